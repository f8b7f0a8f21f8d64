import ZooSystem
import ZooWeightFiles

/// A Keras configuration in a file of its own: what `to_json()` gives, or the `config.json` of a `.keras` folder.
enum ConfigurationFile {
  /// Reads the file at `path`.
  ///
  /// - Throws: where it can't be opened, is no JSON, or describes no model.
  static func read(_ path: String) throws(ZooError) -> JSONValue {
    let configuration: JSONValue
    do {
      configuration = try JSONValue(parsing: ByteSlice(try MappedFile(path: path)), location: path)
    } catch {
      guard error.code == .malformed else { throw error }
      throw ZooError(
        .malformed, "Keras configuration", at: path, error.why,
        remedy: "RecipeOptions.configuration takes a file of what model.to_json() returns.")
    }
    guard configuration["class_name"]?.string != nil, configuration["config"] != nil else {
      throw ZooError(
        .malformed, "Keras configuration", at: path, "it describes no model",
        remedy: "RecipeOptions.configuration takes a file of what model.to_json() returns.")
    }
    return configuration
  }

  /// The configuration that lies beside the weights at `path` under their name; nil where there is none.
  static func beside(_ path: String) -> String? {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    var stem = String(path.dropFirst(folder.count))
    while let dot = stem.lastIndex(of: "."), dot > stem.startIndex {
      stem = String(stem[..<dot])
      let candidate = folder + stem + ".json"
      if isFile(candidate), (try? read(candidate)) != nil { return candidate }
    }
    return nil
  }
}
