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
/// is the most it allows. All are measured `ROUNDS` times in turn, and the smallest times count.
enum DecodingBenchmark {
  static func run(folder: String) throws {
    let rounds = max(1, environment("ROUNDS").flatMap { Int($0) } ?? 5)
    let paths = try ImageFolder.images(in: folder)
    guard !paths.isEmpty else {
      print("There are no pictures in \(folder).")
      return
    }
    var cases: [(name: String, best: Duration, body: () throws -> Void)] = []
    func add(_ name: String, _ body: @escaping () throws -> Void) {
      cases.append((name, .seconds(1 << 20), body))
    }

    #if canImport(CTurboJPEG)
      add("libjpeg-turbo alone") { try decodeByLibrary(paths) }
    #endif
    let spare = SparePixels()
    func decoded(_ path: String) throws -> Image {
      let file = try MappedFile(path: path)
      defer { withExtendedLifetime(file) {} }
      return try Image(decoding: file.bytes, from: path, spare: spare)
    }
    add("decoded") { for path in paths { spare.keep(try decoded(path)) } }
    add("decoded and resized to 224x224") {
      for path in paths {
        let image = try decoded(path)
        _ = try image.fitted(height: 224, width: 224, PictureFitting())
        spare.keep(image)
      }
    }
    for threads in Set([1, Processors.count]).sorted() {
      let loader = PictureLoader(height: 224, width: 224, threads: threads)
      add("loaded with fingerprints, \(threads) thread\(threads == 1 ? "" : "s")") {
        // A batch at a time, as in training.
        for start in stride(from: 0, to: paths.count, by: 32) {
          for result in try loader.load(Array(paths[start..<min(paths.count, start + 32)])) {
            _ = try result.get()
          }
        }
      }
    }
    for _ in 0..<rounds {
      for index in cases.indices {
        cases[index].best = min(cases[index].best, try ContinuousClock().measure(cases[index].body))
      }
    }
    let pixels = try paths.reduce(0) { try $0 + Image(path: $1).pixels.count / 3 }
    let millions = Double(pixels) / 1e6
    print("\(paths.count) pictures, \(decimal(millions / Double(paths.count), 1)) Mpixel each")
    for (name, best, _) in cases {
      let seconds = best / .seconds(1)
      print(
        name, "\(decimal(1000 * seconds / Double(paths.count), 2)) ms a picture",
        "\(decimal(millions / seconds, 1)) Mpixel/s", "\(decimal(cases[0].best / best, 2))",
        separator: "\t")
    }
  }

  #if canImport(CTurboJPEG)
    private static func decodeByLibrary(_ paths: [String]) throws {
      guard let handle = tjInitDecompress() else {
        throw ZooError(.unsupported, "image", at: "libjpeg-turbo", "")
      }
      defer { tjDestroy(handle) }
      var pixels: [UInt8] = []
      for path in paths {
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
            handle, data.baseAddress, UInt(data.count), &pixels, width, 0, height, Int32(TJPF_RGB.rawValue), 0
          )
        }
        guard status == 0 else {
          throw ZooError(.malformed, "image", at: path, String(cString: tjGetErrorStr2(handle)))
        }
      }
    }
  #endif
}
