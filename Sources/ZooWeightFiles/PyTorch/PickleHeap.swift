/// What a pickle describes, as data: nothing of it is ever called or looked up.
enum PickleValue: Sendable, Hashable {
  case none
  case bool(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  /// The name of something in Python, with its module: `collections.OrderedDict`.
  case global(String)
  /// An object of the ``PickleHeap``, by its number.
  case object(Int)
  /// Bytes, and numbers of more than 64 bits, which no tensor needs.
  case opaque

  var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }
  var text: String? { if case .text(let text) = self { text } else { nil } }
  var global: String? { if case .global(let name) = self { name } else { nil } }
}

/// The objects of a pickle that can refer to others. They refer by number, so that cycles and any depth do no
/// harm.
struct PickleHeap: Sendable {
  /// An object as the pickle describes it.
  struct Object: Sendable {
    enum Kind: Sendable {
      case list, tuple, set, dictionary
      /// What a call or the making of an instance would have given.
      case record
      /// What lies outside the pickle, with its description as the only element.
      case persistent
    }

    let kind: Kind
    /// Elements in order; of a record, those that were appended to it.
    var items: [PickleValue] = []
    /// Of a dictionary, or of a record what was set by key; as many as ``values``.
    var keys: [PickleValue] = []
    var values: [PickleValue] = []
    /// Of a record: what would have been called, and with what.
    var callee = PickleValue.none
    var arguments: [PickleValue] = []
    /// Of a record: what its attributes would have been set to.
    var state = PickleValue.none
  }

  private(set) var objects: [Object] = []

  /// The object that `value` refers to; nil where it is none.
  subscript(value: PickleValue) -> Object? {
    if case .object(let number) = value { objects[number] } else { nil }
  }

  /// The elements of `value` where it is a tuple.
  func tuple(_ value: PickleValue) -> [PickleValue]? {
    self[value].flatMap { $0.kind == .tuple ? $0.items : nil }
  }

  mutating func add(_ object: Object) -> PickleValue {
    objects.append(object)
    return .object(objects.count - 1)
  }

  /// Changes the object that `value` refers to, in place; false where it is none.
  mutating func change(_ value: PickleValue, _ body: (inout Object) -> Bool) -> Bool {
    guard case .object(let number) = value else { return false }
    return body(&objects[number])
  }
}
