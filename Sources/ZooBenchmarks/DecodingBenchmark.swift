import ZooData
import ZooImageFiles
import ZooImages
import ZooSystem

#if canImport(CTurboJPEG)
  import CTurboJPEG
#endif

/// `zoo-benchmarks decoding FOLDER`: how fast JPEG files are decoded and loaded, against libjpeg-turbo alone.
///
/// libjpeg-turbo decodes the same files one after another into the same memory, and nothing is done with the pixels: that
/// is the most it allows. All are measured `ROUNDS` times in turn, and the smallest times of each picture count.
enum DecodingBenchmark {
  static func run(folder: String) throws {
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 5)
    let paths = try ImageFolder.images(in: folder)
    guard !paths.isEmpty else {
      print("There are no pictures in \(folder).")
      return
    }
    // Of each: what it does with a part of the pictures, and the smallest time of each part.
    var cases: [(name: String, parts: [[String]], best: [Duration], body: ([String]) throws -> Void)] = []
    func add(_ name: String, atOnce count: Int = 1, _ body: @escaping ([String]) throws -> Void) {
      let parts = stride(from: 0, to: paths.count, by: count).map {
        Array(paths[$0..<min(paths.count, $0 + count)])
      }
      cases.append((name, parts, parts.map { _ in .seconds(1 << 20) }, body))
    }

    #if canImport(CTurboJPEG)
      let library = JPEGLibrary()
      add("libjpeg-turbo alone") { for path in $0 { try library.decode(path) } }
    #endif
    let spare = SparePixels()
    func decoded(_ path: String) throws -> Image {
      let file = try MappedFile(path: path)
      defer { withExtendedLifetime(file) {} }
      return try Image(decoding: file.bytes, from: path, spare: spare)
    }
    add("decoded") { for path in $0 { spare.keep(try decoded(path)) } }
    add("decoded and resized to 224x224") {
      for path in $0 {
        let image = try decoded(path)
        _ = try image.fitted(height: 224, width: 224, PictureFitting())
        spare.keep(image)
      }
    }
    for threads in Set([1, Processors.count]).sorted() {
      let loader = PictureLoader(height: 224, width: 224, threads: threads)
      // A batch at a time, as in training.
      add("loaded with fingerprints, \(threads) thread\(threads == 1 ? "" : "s")", atOnce: 32) {
        for result in try loader.load($0) { _ = try result.get() }
      }
    }
    for _ in 0..<rounds {
      for index in cases.indices {
        let (_, parts, _, body) = cases[index]
        for (place, part) in parts.enumerated() {
          let time = try ContinuousClock().measure { try body(part) }
          cases[index].best[place] = min(cases[index].best[place], time)
        }
      }
    }
    let pixels = try paths.reduce(0) { try $0 + Image(path: $1).pixels.count / 3 }
    let millions = Double(pixels) / 1e6
    print("\(paths.count) pictures, \(decimal(millions / Double(paths.count), 1)) Mpixel each")
    let times = cases.map { $0.best.reduce(.zero, +) }
    for (name, time) in zip(cases.map(\.name), times) {
      let seconds = time / .seconds(1)
      print(
        name, "\(decimal(1000 * seconds / Double(paths.count), 2)) ms a picture",
        "\(decimal(millions / seconds, 1)) Mpixel/s", "\(decimal(times[0] / time, 2))",
        separator: "\t")
    }
  }
}

#if canImport(CTurboJPEG)
  /// Decodes files into the same memory.
  private final class JPEGLibrary {
    private let handle = tjInitDecompress()
    private var pixels: [UInt8] = []

    deinit { tjDestroy(handle) }

    func decode(_ path: String) throws {
      let file = try MappedFile(path: path)
      defer { withExtendedLifetime(file) {} }
      let data = file.bytes.assumingMemoryBound(to: UInt8.self)
      var (width, height): (Int32, Int32) = (0, 0)
      var (subsampling, colors): (Int32, Int32) = (0, 0)
      var status = tjDecompressHeader3(
        handle, data.baseAddress, UInt(data.count), &width, &height, &subsampling, &colors)
      let count = Int(width) * Int(height) * 3
      if pixels.count < count { pixels = [UInt8](repeating: 0, count: count) }
      if status == 0 {
        status = tjDecompress2(
          handle, data.baseAddress, UInt(data.count), &pixels, width, 0, height, Int32(TJPF_RGB.rawValue), 0)
      }
      guard status == 0 else {
        throw ZooError(.malformed, "image", at: path, String(cString: tjGetErrorStr2(handle)))
      }
    }
  }
#endif
