/// A class that a model tells apart.
public struct ClassLabel: Sendable, Hashable {
  /// The data set's own name, for example `n02123045`.
  public var id: String
  /// The name for people, for example `tabby`.
  public var name: String

  /// A label; `id` is empty where there is none.
  public init(id: String, name: String) {
    self.id = id
    self.name = name
  }
}
