/// What a model was trained from, on what, how, and how well; it travels in the `.zoo` file.
public struct TrainingRecord: Sendable, Hashable {
  /// One thing that the model tells of a picture: one output of the graph.
  public struct Task: Sendable, Hashable {
    /// What the output means.
    public enum Kind: String, Sendable, Hashable, CaseIterable {
      /// One of several classes.
      case classes
      /// Any number of labels.
      case labels
      /// A number.
      case number
    }

    /// The task's name, for example a column of the data; empty where there is a single one without a name.
    public var name: String
    /// What the output means.
    public var kind: Kind
    /// The classes or labels in the order of the output; empty for a number.
    public var labels: [String]

    /// A task of these classes or labels.
    public init(name: String, kind: Kind, labels: [String]) {
      self.name = name
      self.kind = kind
      self.labels = labels
    }
  }

  /// How pictures were brought to the network's input size, which prediction has to repeat.
  public struct Pixels: Sendable, Hashable {
    /// The name of the resampling, for example `bilinear`.
    public var resampling: String
    /// What was cut off: a fraction, a number of pixels or `aspect`; nil where pictures were stretched.
    public var crop: String?
    /// Whether pictures were turned as their EXIF orientation says.
    public var isUpright: Bool

    /// Pictures brought to size in this way.
    public init(resampling: String, crop: String?, isUpright: Bool) {
      self.resampling = resampling
      self.crop = crop
      self.isUpright = isUpright
    }
  }

  /// The name of the backbone's file.
  public var backbone: String
  /// The backbone's content hash, 64 hexadecimal digits.
  public var backboneContent: String
  /// The backbone's layers whose outputs are the features.
  public var layers: [String]
  /// The name of the folder or file of the data.
  public var data: String
  /// The SHA-256 of all pictures and labels, 64 hexadecimal digits.
  public var dataChecksum: String
  /// The number of pictures that the head was trained on.
  public var pictureCount: Int
  /// One for each output of the graph; none where its output is features, as `zoo whiten` makes them.
  public var tasks: [Task]
  /// How pictures were brought to size.
  public var pixels: Pixels
  /// How it was trained, by the names of the settings.
  public var settings: [String: String]
  /// How well it does, by the names of the measures.
  public var results: [String: Double]

  /// Whether the network ends in features, and not in what it tells of a picture.
  public var endsInFeatures: Bool { tasks.isEmpty }

  package init(
    backbone: String, backboneContent: String, layers: [String], data: String, dataChecksum: String,
    pictureCount: Int, tasks: [Task], pixels: Pixels, settings: [String: String] = [:],
    results: [String: Double] = [:]
  ) {
    self.backbone = backbone
    self.backboneContent = backboneContent
    self.layers = layers
    self.data = data
    self.dataChecksum = dataChecksum
    self.pictureCount = pictureCount
    self.tasks = tasks
    self.pixels = pixels
    self.settings = settings
    self.results = results
  }
}
