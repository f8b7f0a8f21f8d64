import ZooSystem
import ZooTensor

/// A run of numbers that tensors of a PyTorch file share, as a pickle describes it.
struct TorchStorage: Sendable, Hashable {
  /// Its name in the file: `17`.
  let key: String
  /// How many elements it has.
  let count: Int
  /// How many the storage of this key has, of which it may be a part.
  let wholeCount: Int
  /// Of what type they are; nil where the tensors say it, which then count ``count`` in bytes.
  let elementType: ElementType?
  /// Where it starts in the storage of this key, in elements; 0 but for parts of one.
  let offset: Int

  /// The size of one element in bytes.
  var elementSize: Int { elementType?.byteCount ?? 1 }

  /// What PyTorch calls a storage with elements of a type.
  private static let elementTypes: [String: ElementType] = [
    "DoubleStorage": .float64, "FloatStorage": .float32, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16, "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16,
    "CharStorage": .int8, "ByteStorage": .uint8, "BoolStorage": .bool,
  ]

  /// The storage that `id` is the persistent id of: `('storage', class, key, device, count)`, and before
  /// version 1.6 a part of it, `(key, offset, count)`, or nothing. Nil for other things.
  ///
  /// - Throws: where its elements are of a type that is not read.
  init?(_ id: PickleValue, in heap: PickleHeap, location: String) throws(ZooError) {
    guard let object = heap[id], object.kind == .persistent, let id = object.items.first,
      let parts = heap.tuple(id), parts.count >= 5, parts[0].text == "storage",
      let kind = parts[1].global?.split(separator: ".").last, let key = parts[2].text,
      let count = parts[4].integer, count >= 0, count <= Shape.elementLimit
    else { return nil }
    elementType = Self.elementTypes[String(kind)]
    guard elementType != nil || kind == "UntypedStorage" else {
      throw ZooError(
        .unsupported, "PyTorch file", at: location, "its elements are of type '\(kind)'")
    }
    self.key = key
    wholeCount = count
    guard parts.count > 5, let view = heap.tuple(parts[5]) else {
      (self.count, offset) = (count, 0)
      return
    }
    guard view.count == 3, let start = view[1].integer, let length = view[2].integer, start >= 0, length >= 0,
      start <= count, length <= count - start
    else { return nil }
    (self.count, offset) = (length, start)
  }
}

/// A tensor of a PyTorch file: a view of a storage, which is checked to lie inside it.
struct TorchTensor: Sendable {
  let storage: TorchStorage
  let elementType: ElementType
  let shape: Shape
  /// Where its elements lie, from the first byte of the storage that the file has.
  let view: StridedView
  /// The byte of that storage where it starts, and how many it reaches over.
  let start: Int
  let reach: Int

  var isContiguous: Bool { reach == shape.elementCount * elementType.byteCount && view.isRowMajor }

  private static let axisLimit = 32

  /// The calls that make a tensor of another one, with the arguments that say it.
  private static let wrappers: [String: Int] = [
    "torch._utils._rebuild_parameter": 0, "torch._utils._rebuild_parameter_with_state": 0,
    "torch.nn.parameter.Parameter": 0, "torch.nn.Parameter": 0, "torch.autograd.variable.Variable": 0,
  ]
  private static let rebuild = "torch._utils._rebuild_tensor"
  private static let rebuildTyped = "torch._utils._rebuild_tensor_v3"
  private static let rebuildFromType = "torch._tensor._rebuild_from_type_v2"

  /// Kinds of tensors that are not read, in words.
  private static let otherKinds = [
    "qtensor": "it is quantised", "sparse_tensor": "it is sparse", "sparse_csr_tensor": "it is sparse",
    "meta_tensor_no_storage": "it is on the device 'meta', so that its numbers are not in the file",
    "nested_tensor": "it is a nested tensor", "wrapper_subclass": "it is of a class of its own",
    "device_tensor_from_numpy": "it is of a device of its own",
    "device_tensor_from_cpu_tensor": "it is of a device of its own",
  ]

  /// Whether `value` is a tensor, be it one that can't be read.
  static func isTensor(_ value: PickleValue, in heap: PickleHeap) -> Bool {
    guard let object = heap[value], object.kind == .record, let name = object.callee.global else {
      return false
    }
    return wrappers[name] != nil || name.hasPrefix("torch._utils._rebuild_") || name == rebuildFromType
      || isLegacyTensor(object, name, in: heap)
  }

  /// Before 2017: an instance of `torch.FloatTensor` with the state (storage, offset, size, strides).
  private static func isLegacyTensor(
    _ object: PickleHeap.Object, _ name: String, in heap: PickleHeap
  ) -> Bool {
    name.hasPrefix("torch.") && name.hasSuffix("Tensor") && heap.tuple(object.state)?.count == 4
  }

  /// The tensor that `value` is, which ``isTensor(_:in:)`` says it is.
  ///
  /// - Throws: where it is of a kind that is not read, or does not lie in its storage.
  init(_ value: PickleValue, in heap: PickleHeap, location: String) throws(ZooError) {
    func malformed(_ why: String) -> ZooError { ZooError(.malformed, "PyTorch file", at: location, why) }
    func unsupported(_ why: String) -> ZooError { ZooError(.unsupported, "PyTorch file", at: location, why) }
    var value = value
    // A parameter is a tensor with something around it; each is made once.
    for _ in 0..<8 {
      guard let object = heap[value], object.kind == .record, let name = object.callee.global else {
        throw malformed("a tensor that is none")
      }
      if let place = Self.wrappers[name] {
        let parts = object.arguments.isEmpty ? heap.tuple(object.state) ?? [] : object.arguments
        guard parts.indices.contains(place) else { throw malformed("a parameter without its tensor") }
        value = parts[place]
      } else if name == Self.rebuildFromType {
        // (function, class, arguments, state)
        guard object.arguments.count >= 3, let function = object.arguments[0].global,
          function.hasPrefix(Self.rebuild), let arguments = heap.tuple(object.arguments[2])
        else { throw unsupported("it is of a class of its own") }
        try self.init(function, arguments, in: heap, location: location)
        return
      } else if name.hasPrefix(Self.rebuild) {
        try self.init(name, object.arguments, in: heap, location: location)
        return
      } else if Self.isLegacyTensor(object, name, in: heap), let state = heap.tuple(object.state) {
        try self.init(Self.rebuild, state, in: heap, location: location)
        return
      } else {
        let kind = name.dropFirst("torch._utils._rebuild_".count)
        throw unsupported(Self.otherKinds[String(kind)] ?? "it is made by '\(name)', which is not known")
      }
    }
    throw malformed("a parameter of a parameter without end")
  }

  /// A tensor of what `function` gets: (storage, offset, size, strides, …), and from `_v3` the type too.
  private init(
    _ function: String, _ arguments: [PickleValue], in heap: PickleHeap, location: String
  ) throws(ZooError) {
    func malformed(_ why: String) -> ZooError { ZooError(.malformed, "PyTorch file", at: location, why) }
    guard arguments.count >= 4, let offset = arguments[1].integer, offset >= 0,
      let extents = heap.tuple(arguments[2])?.map(\.integer),
      let strides = heap.tuple(arguments[3])?.map(\.integer), extents.count == strides.count,
      let storage = try TorchStorage(arguments[0], in: heap, location: location)
    else { throw malformed("its storage, offset, size or strides are none") }
    let dimensions = extents.compactMap(\.self)
    let steps = strides.compactMap(\.self)
    guard dimensions.count == extents.count, steps.count == strides.count,
      dimensions.count <= Self.axisLimit, dimensions.allSatisfy({ $0 >= 0 }), steps.allSatisfy({ $0 >= 0 })
    else { throw malformed("its size or strides are not counts") }
    guard let shape = Shape(checking: dimensions) else {
      throw malformed(
        "its shape \(dimensions.map(String.init).joined(separator: "x")) is larger than any tensor may be")
    }
    self.shape = shape
    self.storage = storage
    elementType = try Self.elementType(function, arguments, storage, location: location)

    let size = elementType.byteCount
    let available = storage.count * storage.elementSize / size
    var last = offset
    for (extent, step) in zip(dimensions, steps) where extent > 1 {
      let (distance, overflow) = (extent - 1).multipliedReportingOverflow(by: step)
      let (sum, overflow2) = last.addingReportingOverflow(distance)
      guard !overflow, !overflow2 else { throw malformed("it reaches beyond its storage") }
      last = sum
    }
    guard shape.elementCount == 0 || last < available else {
      throw malformed("it reaches to element \(last) of its storage, which has \(available)")
    }
    view = StridedView(extents: dimensions, strides: steps)
    start = shape.elementCount == 0 ? 0 : storage.offset * storage.elementSize + offset * size
    reach = shape.elementCount == 0 ? 0 : (last - offset + 1) * size
  }

  private static func elementType(
    _ function: String, _ arguments: [PickleValue], _ storage: TorchStorage, location: String
  ) throws(ZooError) -> ElementType {
    if function != rebuildTyped, let type = storage.elementType { return type }
    let names: [String: ElementType] = [
      "uint16": .uint16, "uint32": .uint32, "uint64": .uint64, "float16": .float16, "bfloat16": .bfloat16,
      "float32": .float32, "float64": .float64, "int8": .int8, "int16": .int16, "int32": .int32,
      "int64": .int64, "uint8": .uint8, "bool": .bool,
    ]
    let name = arguments.count > 6 ? arguments[6].global?.split(separator: ".").last : nil
    guard let name, let type = names[String(name)] else {
      throw ZooError(
        .unsupported, "PyTorch file", at: location,
        "its elements are of type '\(name.map(String.init) ?? "untyped")'")
    }
    return type
  }
}
