import ZooData
import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor

/// A network that takes pictures, with what brings files to its input: they are decoded on all threads, and run in
/// batches.
final class PictureRunner {
  /// How pictures are brought to the network's size, and how many threads there are.
  struct Options: Sendable {
    var fitting = PictureFitting()
    var isUpright = false
    var threads = 1
  }

  /// How many pictures are decoded, and then run, at a time.
  static let batch = 32

  let graph: Graph
  let loader: PictureLoader
  /// The instruction set of the engine.
  let kernels: String
  private let preprocessing: Preprocessing
  private let session: Session
  private let packed = SharedWeights()
  private let channels: Int

  /// - Parameter path: what errors name.
  /// - Throws: `ZooError` with the code `unsuitable` where the network takes no pictures.
  init(
    graph: Graph, weights: some WeightSource, preprocessing: Preprocessing, path: String, options: Options
  ) throws {
    guard graph.takesPictures else {
      throw ZooError(
        .unsuitable, what: "model takes no pictures", at: path,
        "its inputs are \(graph.inputs.map { graph[$0].shape.description }.joined(separator: ", "))")
    }
    let shape = graph[graph.inputs[0]].shape
    guard shape[2] == 3 || preprocessing.takesGrey else {
      throw ZooError(
        .unsuitable, what: "preprocessing does not fit", at: path,
        "'\(preprocessing.rawValue)' is for three channels, and its input is \(shape)")
    }
    self.graph = graph
    self.preprocessing = preprocessing
    channels = shape[2]
    let engine = try Engine(
      graph: graph, weights: weights, options: PlanOptions(threads: options.threads), sharing: packed)
    session = engine.makeSession()
    kernels = engine.kernels
    loader = PictureLoader(
      height: shape[0], width: shape[1], fitting: options.fitting, upright: options.isUpright,
      isGrey: channels == 1, threads: options.threads)
  }

  /// What enters the network for images at its size, (N, H, W, C).
  func input(of images: [Image]) throws(ZooError) -> Tensor {
    try preprocessing.batch(
      of: images, height: loader.height, width: loader.width, channels: channels)
  }

  /// What the network makes of images at its size: a row for each image, for each output.
  func run(_ images: [Image]) throws -> [[[Float]]] {
    var rows = graph.outputs.map { _ in [[Float]]() }
    for start in stride(from: 0, to: images.count, by: Self.batch) {
      let part = Array(images[start..<min(start + Self.batch, images.count)])
      for (place, result) in try session.run([try input(of: part)]).enumerated() {
        let width = result.shape.elementCount / part.count
        rows[place] += part.indices.map { Array(result.values[$0 * width..<($0 + 1) * width]) }
      }
    }
    return rows
  }

  /// The bytes that weights and values take, once something has run, and a batch of pictures.
  var memory: Int {
    let picture = loader.height * loader.width * channels * (MemoryLayout<Float>.size + 1)
    return packed.byteCount + session.activationBytes + Self.batch * picture
  }
}
