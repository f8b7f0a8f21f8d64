import ZooGraph
import ZooSystem

extension CBORWriter {
  mutating func training(_ record: TrainingRecord) {
    map([
      ("backbone", { $0.text(record.backbone) }),
      ("backbone_content", { $0.byteString(Checksum(hexadecimal: record.backboneContent)?.bytes ?? []) }),
      ("layers", { $0.array(record.layers) { $0.text($1) } }),
      ("data", { $0.text(record.data) }),
      ("data_sha256", { $0.byteString(Checksum(hexadecimal: record.dataChecksum)?.bytes ?? []) }),
      ("pictures", { $0.unsigned(record.pictureCount) }),
      (
        "tasks",
        {
          $0.array(record.tasks) { writer, task in
            writer.array(count: 3)
            writer.text(task.name)
            writer.text(task.kind.rawValue)
            writer.array(task.labels) { $0.text($1) }
          }
        }
      ),
      ("pixels", { $0.pixels(record.pixels) }),
      ("settings", { $0.map(record.settings.map { (key, text) in (key, { $0.text(text) }) }) }),
      ("results", { $0.map(record.results.map { (key, value) in (key, { $0.float(value) }) }) }),
    ])
  }

  private mutating func pixels(_ pixels: TrainingRecord.Pixels) {
    var entries: [(String, (inout CBORWriter) -> Void)] = [
      ("resampling", { $0.text(pixels.resampling) }), ("upright", { $0.bool(pixels.isUpright) }),
    ]
    if let crop = pixels.crop { entries.append(("crop", { $0.text(crop) })) }
    map(entries)
  }
}

extension TrainingRecord {
  /// The most tasks, layers and labels that a record may have.
  private static let countLimit = 1_000_000

  init(_ reader: inout CBORReader) throws(CBORReader.Failure) {
    let start = reader.position
    var texts: [String: String] = [:]
    var checksums: [String: String] = [:]
    var pictures: Int?
    var layers: [String]?
    var tasks: [Task]?
    var pixels: Pixels?
    var settings: [String: String] = [:]
    var results: [String: Double] = [:]
    try reader.map { (reader, key) throws(CBORReader.Failure) in
      switch key {
      case "backbone", "data": texts[key] = try reader.text()
      case "backbone_content", "data_sha256":
        checksums[key] = Checksum(try reader.byteString(count: Checksum.byteCount))?.hexadecimal
      case "pictures": pictures = try reader.int()
      case "layers": layers = try Self.texts(&reader)
      case "tasks": tasks = try reader.array(limit: Self.countLimit, Self.task)
      case "pixels": pixels = try Self.pixels(&reader)
      case "settings":
        try reader.map { (reader, key) throws(CBORReader.Failure) in settings[key] = try reader.text() }
      case "results":
        try reader.map { (reader, key) throws(CBORReader.Failure) in results[key] = try reader.float() }
      default: throw reader.unknown(key)
      }
    }
    guard let backbone = texts["backbone"], let data = texts["data"],
      let backboneContent = checksums["backbone_content"], let dataChecksum = checksums["data_sha256"],
      let pictures, let layers, let tasks, let pixels
    else {
      throw CBORReader.Failure(position: start, why: "the training record lacks an entry")
    }
    self.init(
      backbone: backbone, backboneContent: backboneContent, layers: layers, data: data,
      dataChecksum: dataChecksum, pictureCount: pictures, tasks: tasks, pixels: pixels, settings: settings,
      results: results)
  }

  private static func texts(_ reader: inout CBORReader) throws(CBORReader.Failure) -> [String] {
    try reader.array(limit: countLimit) { (reader) throws(CBORReader.Failure) in try reader.text() }
  }

  private static func task(_ reader: inout CBORReader) throws(CBORReader.Failure) -> Task {
    _ = try reader.arrayHead(3...3)
    let name = try reader.text()
    let position = reader.position
    let text = try reader.text()
    guard let kind = Task.Kind(rawValue: text) else {
      throw CBORReader.Failure(position: position, why: "no such kind of task: '\(text)'")
    }
    return Task(name: name, kind: kind, labels: try texts(&reader))
  }

  private static func pixels(_ reader: inout CBORReader) throws(CBORReader.Failure) -> Pixels {
    let start = reader.position
    var resampling: String?
    var crop: String?
    var isUpright: Bool?
    try reader.map { (reader, key) throws(CBORReader.Failure) in
      switch key {
      case "resampling": resampling = try reader.text()
      case "crop": crop = try reader.text()
      case "upright": isUpright = try reader.bool()
      default: throw reader.unknown(key)
      }
    }
    guard let resampling, let isUpright else {
      throw CBORReader.Failure(position: start, why: "the record of pixels lacks an entry")
    }
    return Pixels(resampling: resampling, crop: crop, isUpright: isUpright)
  }

  /// What of the record does not fit the graph; nil where all does.
  func fault(in graph: Graph) -> String? {
    guard !tasks.isEmpty else { return nil }
    guard tasks.count == graph.outputs.count else {
      return "it has \(tasks.count) tasks, the network \(graph.outputs.count) outputs"
    }
    for (task, output) in zip(tasks, graph.outputs) {
      let values = graph[output].shape.elementCount
      let isPair = task.kind == .classes && task.labels.count == 2 && values == 1
      guard task.labels.count == (task.kind == .number ? 0 : values) || isPair else {
        return "task '\(task.name)' has \(task.labels.count) labels, its output \(values) values"
      }
    }
    return nil
  }
}
