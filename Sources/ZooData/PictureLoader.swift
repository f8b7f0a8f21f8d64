import Dispatch
import Synchronization
import ZooImageFiles
import ZooImages
import ZooSystem

/// Loads pictures on several threads: what their files are, and what networks see of them.
///
/// Memory holds one decoded picture for each thread, and of each picture of a batch what was asked for. Results are in
/// the order of the paths, and the same for any number of threads.
package struct PictureLoader: Sendable {
  /// The height and width of what is loaded, in pixels.
  package let height: Int
  package let width: Int
  /// How pictures are brought to that size.
  package let fitting: PictureFitting
  /// Whether pictures are turned as their files say.
  package let upright: Bool
  /// Whether pictures become grey first, as a network of one channel sees them.
  package let isGrey: Bool
  /// How many threads load; at least 1.
  package let threads: Int

  /// What is wanted of a picture, when its hash is known. Without any of these its file is not decoded.
  package struct Request: Sendable {
    /// Its views: ``PictureView/init()`` for the picture as it is.
    package var views: [PictureView]
    /// Its fingerprint.
    package var fingerprint: Bool
    /// The whole picture in proportion, with no side longer than so many pixels; nil for none.
    package var thumbnail: Int?

    package init(views: [PictureView] = [PictureView()], fingerprint: Bool = true, thumbnail: Int? = nil) {
      self.views = views
      self.fingerprint = fingerprint
      self.thumbnail = thumbnail
    }
  }

  /// What was made of a file.
  package struct Loaded: Sendable {
    /// The hash of the file's bytes.
    package let contentHash: XXH3Hasher.Digest
    /// The picture's own sides in pixels, upright where that was asked for; nil where it was not decoded.
    package let size: (height: Int, width: Int)?
    /// Nil where it was not wanted.
    package let fingerprint: PictureFingerprint?
    /// The views that were wanted, each of the loader's height and width.
    package let views: [Image]
    /// Nil where it was not wanted.
    package let thumbnail: Image?
  }

  package init(
    height: Int, width: Int, fitting: PictureFitting = PictureFitting(), upright: Bool = false,
    isGrey: Bool = false, threads: Int = Processors.count
  ) {
    self.height = height
    self.width = width
    self.fitting = fitting
    self.upright = upright
    self.isGrey = isGrey
    self.threads = max(1, threads)
  }

  /// Loads the files at `paths`.
  ///
  /// - Parameters:
  ///   - paths: a batch; what is wanted of all of them is in memory at once.
  ///   - request: what is wanted of the picture with this place in `paths` and this hash. It is called on any thread,
  ///     on several at once. Where it throws, the picture has that error.
  /// - Returns: for each path what was made of it, or why it can't be loaded.
  /// - Throws: `ZooError` with the code `ZooError.Code.cancelled` where the task is cancelled.
  package func load(
    _ paths: [String],
    request: @Sendable (_ index: Int, _ content: XXH3Hasher.Digest) throws(ZooError) -> Request = {
      _, _ throws(ZooError) in Request()
    }
  ) throws(ZooError) -> [Result<Loaded, ZooError>] {
    let limits = ImageLimits()
    let next = Atomic(0)
    let isCancelled = Atomic(false)
    var results = [Result<Loaded, ZooError>?](repeating: nil, count: paths.count)
    results.withUnsafeMutableBufferPointer { results in
      nonisolated(unsafe) let results = results
      // Each picture goes to the next thread that is free; the calling thread is one of them, and knows of its task.
      DispatchQueue.concurrentPerform(iterations: min(threads, max(1, paths.count))) { _ in
        let spare = SparePixels()
        while !isCancelled.load(ordering: .relaxed) {
          let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
          guard index < paths.count else { return }
          if Cancellation.isRequested {
            isCancelled.store(true, ordering: .relaxed)
            return
          }
          // No other thread has this index.
          results[index] = Result { () throws(ZooError) in
            try load(paths[index], limits: limits, spare: spare) { hash throws(ZooError) in
              try request(index, hash)
            }
          }
        }
      }
    }
    let complete = results.compactMap { $0 }
    guard complete.count == paths.count else { throw ZooError.cancelled }
    return complete
  }

  private func load(
    _ path: String, limits: ImageLimits, spare: SparePixels,
    request: (XXH3Hasher.Digest) throws(ZooError) -> Request
  ) throws(ZooError) -> Loaded {
    let file: MappedFile
    do {
      file = try MappedFile(path: path)
    } catch {
      throw ZooError(.cannotOpen, "image", at: path, error.why)
    }
    defer { withExtendedLifetime(file) {} }
    // A file that is too large is refused before all of it is read.
    guard file.bytes.count <= limits.fileBytes else {
      throw ZooError(
        .unsupported, "image", at: path, "a file of \(file.bytes.count) bytes, more than \(limits.fileBytes)",
        remedy: ReadingLimits.remedy("image"))
    }
    let hash = XXH3Hasher.hash(file.bytes)
    let wanted = try request(hash)
    guard !wanted.views.isEmpty || wanted.fingerprint || wanted.thumbnail != nil else {
      return Loaded(contentHash: hash, size: nil, fingerprint: nil, views: [], thumbnail: nil)
    }
    let image = try Image(decoding: file.bytes, from: path, limits: limits, upright: upright, spare: spare)
    defer { spare.keep(image) }
    let views =
      wanted.views.isEmpty
      ? []
      : try (isGrey ? image.grey : image).views(wanted.views, height: height, width: width, fitting: fitting)
    return Loaded(
      contentHash: hash, size: (image.height, image.width),
      fingerprint: wanted.fingerprint ? PictureFingerprint(of: image) : nil, views: views,
      thumbnail: wanted.thumbnail.map { image.fitted(within: $0) })
  }
}
