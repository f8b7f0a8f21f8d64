/// A class that a model tells apart.
package struct ClassLabel: Sendable, Hashable {
  /// The data set's own name, for example `n02123045`.
  package var id: String
  /// The name for people, for example `tabby`.
  package var name: String

  package init(id: String, name: String) {
    self.id = id
    self.name = name
  }
}
