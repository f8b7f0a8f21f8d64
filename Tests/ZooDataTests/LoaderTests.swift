import Foundation
import Synchronization
import Testing
import ZooData
import ZooImageFiles
import ZooImages
import ZooSystem
import ZooTestSupport

@Suite struct LoaderTests {
  private let files = [
    "rgb.png", "baseline444.jpg", "555.bmp", "gray.gif", "nothing.png", "index.txt", "rgb.png",
  ]
  .map { fixture("images/" + $0) }

  @Test(arguments: [1, 2, 5]) func picturesInTheirOrder(_ threads: Int) throws {
    let fitting = PictureFitting(resampling: .bicubic, crop: .aspect)
    let loader = PictureLoader(height: 12, width: 9, fitting: fitting, threads: threads)
    let loaded = try loader.load(files)
    #expect(loaded.count == files.count)
    for (path, result) in zip(files, loaded) {
      guard let image = try? Image(path: path) else {
        #expect(throws: ZooError.self) { try result.get() }
        continue
      }
      let picture = try result.get()
      #expect(try picture.views == [image.fitted(height: 12, width: 9, fitting)])
      #expect(picture.fingerprint == PictureFingerprint(of: image))
      #expect(picture.size?.height == image.height && picture.size?.width == image.width)
      #expect(picture.contentHash == XXH3Hasher.hash(Array(try Data(contentsOf: URL(filePath: path)))))
    }
    #expect(loaded.count { (try? $0.get()) != nil } >= 4)
  }

  @Test func whatIsKnownIsNotDecoded() throws {
    try withFolder { folder in
      // Listed as a picture, but it can't be decoded.
      try folder.fill(["a.png"])
      let paths = [folder.path + "/a.png", files[0]]
      let asked = Mutex<[Int]>([])
      let loader = PictureLoader(height: 4, width: 4, threads: 2)
      let loaded = try loader.load(paths) { index, _ throws(ZooError) in
        asked.withLock { $0.append(index) }
        return PictureLoader.Request(views: [], fingerprint: index == 1)
      }
      #expect(asked.withLock { $0.sorted() } == [0, 1])
      let known = try loaded[0].get()
      #expect(known.contentHash == XXH3Hasher.hash(pngStart))
      #expect(known.size == nil && known.fingerprint == nil && known.views.isEmpty)
      let other = try loaded[1].get()
      #expect(other.fingerprint != nil && other.views.isEmpty)
      #expect(try failure { try loader.load(paths)[0].get() }.location == paths[0])
    }
  }

  @Test func viewsOfEachPicture() throws {
    let loader = PictureLoader(height: 16, width: 16, threads: 2)
    let views = PictureViews(seed: 1, strength: .strong)
    let loaded = try loader.load([files[0]]) { _, content throws(ZooError) in
      PictureLoader.Request(views: (0..<3).map { views.view($0, of: content) }, fingerprint: false)
    }
    let picture = try loaded[0].get()
    let image = try Image(path: files[0])
    #expect(picture.fingerprint == nil && picture.views.count == 3)
    for (number, view) in picture.views.enumerated() {
      let wanted = views.view(number, of: picture.contentHash)
      #expect(try image.view(wanted, height: 16, width: 16) == view)
    }
  }

  @Test func limitsHoldOnEveryThread() throws {
    var limits = ReadingLimits()
    limits.pixels = 10
    let loaded = try ReadingLimits.$scoped.withValue(limits) {
      try PictureLoader(height: 4, width: 4, threads: 4).load([String](repeating: files[0], count: 16))
    }
    #expect(loaded.allSatisfy { result in errorCode { try result.get() } == .unsupported })
  }

  @Test func aCancelledTaskLoadsNoMore() async throws {
    let files = files
    let task = Task {
      withUnsafeCurrentTask { $0?.cancel() }
      return errorCode { try PictureLoader(height: 4, width: 4, threads: 2).load(files) }
    }
    #expect(await task.value == .cancelled)
  }

  @Test func noPictures() throws { #expect(try PictureLoader(height: 4, width: 4).load([]).isEmpty) }
}
