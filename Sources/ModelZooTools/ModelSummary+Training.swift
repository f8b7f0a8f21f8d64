import ZooGraph

extension ModelSummary {
  /// What a model was trained from, on what, how, and how well.
  public struct Training: Sendable, Encodable {
    /// One thing that the model tells of a picture.
    public struct Task: Sendable, Encodable {
      /// Its name.
      public let name: String
      /// `classes`, `labels` or `number`.
      public let kind: String
      /// In the order of the output.
      public let labels: [String]
    }

    /// The name of the backbone's file.
    public let backbone: String
    /// The backbone's content hash.
    public let backboneContent: String
    /// The backbone's layers whose outputs are the features.
    public let layers: [String]
    /// The name of the data.
    public let data: String
    /// The SHA-256 of all pictures and labels.
    public let dataSHA256: String
    /// The number of pictures.
    public let pictures: Int
    /// One for each output.
    public let tasks: [Task]
    /// How pictures are resized.
    public let resize: String
    /// What is cut off of pictures.
    public let crop: String?
    /// Whether pictures are turned as their EXIF orientation says.
    public let exif: Bool
    /// How it was trained.
    public let settings: [String: String]
    /// How well it does.
    public let results: [String: Double]

    enum CodingKeys: String, CodingKey {
      case backbone
      case backboneContent = "backbone_content"
      case layers, data
      case dataSHA256 = "data_sha256"
      case pictures, tasks, resize, crop, exif, settings, results
    }

    init(_ record: TrainingRecord) {
      backbone = record.backbone
      backboneContent = record.backboneContent
      layers = record.layers
      data = record.data
      dataSHA256 = record.dataChecksum
      pictures = record.pictureCount
      tasks = record.tasks.map { Task(name: $0.name, kind: $0.kind.rawValue, labels: $0.labels) }
      resize = record.pixels.resampling
      crop = record.pixels.crop
      exif = record.pixels.isUpright
      settings = record.settings
      results = record.results
    }
  }
}
