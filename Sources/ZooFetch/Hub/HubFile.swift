/// A file of a model on the hub, or the weights of a model where none is named.
package struct HubFile: Sendable, Hashable {
  package let organization: String
  package let name: String
  /// A branch, a tag or a commit.
  package let revision: String
  /// Its path inside the repository; nil: its weights, and `config.json` beside them.
  package let file: String?

  package init(organization: String, name: String, revision: String = "main", file: String? = nil) {
    self.organization = organization
    self.name = name
    self.revision = revision
    self.file = file
  }

  /// `ORG/NAME`.
  package var repository: String { "\(organization)/\(name)" }

  /// As it is typed.
  package var text: String {
    "hf://\(repository)" + (revision == "main" ? "" : "@\(revision)") + (file.map { "/" + $0 } ?? "")
  }

  /// The same with another file.
  func with(file: String) -> HubFile {
    HubFile(organization: organization, name: name, revision: revision, file: file)
  }
}
