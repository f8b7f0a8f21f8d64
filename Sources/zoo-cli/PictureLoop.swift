import ArgumentParser
import ModelZooTools
import ZooSystem

/// Goes through the pictures that a command was given. One that cannot be decoded is reported, and the others go on.
struct PictureLoop {
  /// What is being done, for the progress bar.
  let label: String
  let sources: [PictureSource]
  /// Whether pictures are turned as their EXIF orientation says.
  let isUpright: Bool
  let common: CommonOptions

  /// Computes something of each picture, and prints it as text or, all together, as JSON.
  ///
  /// - Parameters:
  ///   - compute: gets the picture's number and the picture.
  ///   - print: prints one result as text.
  ///   - output: makes the JSON of a picture: of its path, and what was computed or why it could not be decoded.
  /// - Throws: the exit code of the first picture that could not be decoded, after all others are done.
  func run<Computed, Output: Encodable>(
    compute: (Int, Picture) throws -> Computed, print: (String, Computed) throws -> Void,
    output: (String, Result<Computed, ZooError>) -> Output
  ) throws {
    let bar = ProgressBar(quiet: common.quiet)
    var outputs: [Output] = []
    var failure: ZooError?
    for (index, source) in sources.enumerated() {
      bar.show(label, done: index, total: sources.count) { "\($0) images" }
      let picture: Picture
      do throws(ZooError) {
        picture = try source.picture(upright: isUpright)
      } catch {
        failure = failure ?? error
        bar.finish()
        Terminal.error("\(error)", remedy: error.asTyped.remedy)
        outputs.append(output(source.path, .failure(error)))
        continue
      }
      let computed = try compute(index, picture)
      if common.json {
        outputs.append(output(source.path, .success(computed)))
      } else {
        bar.finish()
        try print(source.path, computed)
      }
    }
    bar.finish()
    if common.json { try Terminal.print(json: outputs) }
    if let failure { throw ExitCode(failure.category.exitCode) }
  }
}
