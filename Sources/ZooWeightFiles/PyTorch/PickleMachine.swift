import ZooSystem

/// Reads Python's pickles (protocols 2 to 5) as data.
///
/// A pickle is a program for a machine with a stack. In this one, nothing can be called: the name of a
/// function or class stays a name (GLOBAL), a call is noted with its arguments (REDUCE, NEWOBJ), and the state
/// of an object is kept beside it (BUILD).
struct PickleMachine {
  private(set) var heap = PickleHeap()
  /// Behind the last byte that was read.
  private(set) var position: Int

  private let bytes: UnsafeRawBufferPointer
  private let location: String
  private let limits = ReadingLimits.current
  private var stack: [PickleValue] = []
  /// Where in the stack each open mark is.
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  private var instructions = 0

  /// A machine for the pickle that starts at `position` of `bytes`.
  init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0, location: String) {
    self.bytes = bytes
    self.position = position
    self.location = location
  }

  /// Runs to the pickle's end; returns what it describes.
  ///
  /// - Throws: where it breaks the rules of pickles, uses what is not read, or exceeds a limit.
  mutating func run() throws(ZooError) -> PickleValue {
    let start = position
    while true {
      guard instructions < limits.instructions else {
        throw tooLarge("more than \(limits.instructions) instructions", "instructions")
      }
      instructions += 1
      guard position - start <= limits.text else {
        throw tooLarge("more than \(limits.text) bytes", "text")
      }
      guard heap.objects.count <= limits.objects, stack.count <= limits.objects else {
        throw tooLarge("more than \(limits.objects) values", "objects")
      }
      let code = try byte()
      // STOP
      if code == UInt8(ascii: ".") { return try pop() }
      if try runConstant(code) { continue }
      if try runContainer(code) { continue }
      if try runObject(code) { continue }
      throw ZooError(
        .unsupported, "pickle", at: location,
        "instruction 0x\(String(code, radix: 16)) at byte \(position - 1), which PyTorch does not write")
    }
  }

  // MARK: Numbers and texts

  private mutating func runConstant(_ code: UInt8) throws(ZooError) -> Bool {
    switch code {
    case 0x80:  // PROTO
      let version = try byte()
      guard version <= 5 else {
        throw ZooError(.unsupported, "pickle", at: location, "protocol \(version)")
      }
    case 0x95: _ = try take(8)  // FRAME: the length of what follows, which its end tells too
    case UInt8(ascii: "N"): stack.append(.none)
    case 0x88: stack.append(.bool(true))  // NEWTRUE
    case 0x89: stack.append(.bool(false))  // NEWFALSE
    case UInt8(ascii: "J"): stack.append(.integer(Int(Int32(truncatingIfNeeded: try number(4)))))  // BININT
    case UInt8(ascii: "K"): stack.append(.integer(try number(1)))  // BININT1
    case UInt8(ascii: "M"): stack.append(.integer(try number(2)))  // BININT2
    case 0x8a: stack.append(try long(byteCount: number(1)))  // LONG1
    case 0x8b: stack.append(try long(byteCount: number(4)))  // LONG4
    case UInt8(ascii: "G"):  // BINFLOAT, big-endian
      let bits = try take(8).loadUnaligned(as: UInt64.self)
      stack.append(.number(Double(bitPattern: UInt64(bigEndian: bits))))
    case UInt8(ascii: "X"), UInt8(ascii: "T"): stack.append(try text(number(4)))  // BINUNICODE, BINSTRING
    case 0x8c, UInt8(ascii: "U"): stack.append(try text(number(1)))  // SHORT_BINUNICODE, SHORT_BINSTRING
    case 0x8d: stack.append(try text(number(8)))  // BINUNICODE8
    case UInt8(ascii: "B"): try skipBytes(number(4))  // BINBYTES
    case UInt8(ascii: "C"): try skipBytes(number(1))  // SHORT_BINBYTES
    case 0x8e, 0x96: try skipBytes(number(8))  // BINBYTES8, BYTEARRAY8
    default: return false
    }
    return true
  }

  private mutating func text(_ count: Int) throws(ZooError) -> PickleValue {
    .text(String(decoding: try take(count), as: UTF8.self))
  }

  private mutating func skipBytes(_ count: Int) throws(ZooError) {
    _ = try take(count)
    stack.append(.opaque)
  }

  /// A number in two's complement, little-endian.
  private mutating func long(byteCount: Int) throws(ZooError) -> PickleValue {
    let bytes = try take(byteCount)
    guard byteCount <= 8 else { return .opaque }
    let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
    let bits = bytes.reversed().reduce(isNegative ? -1 : 0) { ($0 << 8) | Int($1) }
    return .integer(bits)
  }

  // MARK: Lists, tuples, dictionaries and the stack

  private mutating func runContainer(_ code: UInt8) throws(ZooError) -> Bool {
    switch code {
    case UInt8(ascii: "("):  // MARK
      guard marks.count < limits.depth else {
        throw tooLarge("its values are nested more than \(limits.depth) deep", "depth")
      }
      marks.append(stack.count)
    case UInt8(ascii: "0"):  // POP, which also takes away a mark
      if marks.last == stack.count, !marks.isEmpty { marks.removeLast() } else { _ = try pop() }
    case UInt8(ascii: "1"): _ = try popToMark()
    case UInt8(ascii: "2"): stack.append(try top())  // DUP
    case UInt8(ascii: "]"): push(.list)
    case UInt8(ascii: ")"): push(.tuple)
    case UInt8(ascii: "}"): push(.dictionary)
    case 0x8f: push(.set)
    case UInt8(ascii: "l"): push(.list, try popToMark())
    case UInt8(ascii: "t"): push(.tuple, try popToMark())
    case 0x91: push(.set, try popToMark())  // FROZENSET
    case 0x85...0x87: push(.tuple, try pop(Int(code) - 0x84))  // TUPLE1 to TUPLE3
    case UInt8(ascii: "d"):
      let entries = try popToMark()
      push(.dictionary)
      try set(entries, in: top())
    case UInt8(ascii: "a"):  // APPEND
      let item = try pop()
      try append([item], to: top())
    case UInt8(ascii: "e"), 0x90:  // APPENDS, ADDITEMS
      let items = try popToMark()
      try append(items, to: top())
    case UInt8(ascii: "s"):  // SETITEM
      let entry = try pop(2)
      try set(entry, in: top())
    case UInt8(ascii: "u"):  // SETITEMS
      let entries = try popToMark()
      try set(entries, in: top())
    case UInt8(ascii: "h"): try recall(number(1))  // BINGET
    case UInt8(ascii: "j"): try recall(number(4))  // LONG_BINGET
    case UInt8(ascii: "q"): try remember(number(1))  // BINPUT
    case UInt8(ascii: "r"): try remember(number(4))  // LONG_BINPUT
    case 0x94: try remember(memo.count)  // MEMOIZE
    default: return false
    }
    return true
  }

  private mutating func push(_ kind: PickleHeap.Object.Kind, _ items: [PickleValue] = []) {
    stack.append(heap.add(PickleHeap.Object(kind: kind, items: items)))
  }

  private mutating func append(_ items: [PickleValue], to target: PickleValue) throws(ZooError) {
    let isDone = heap.change(target) { object in
      guard [.list, .set, .record].contains(object.kind) else { return false }
      object.items += items
      return true
    }
    guard isDone else { throw malformed("something is appended to what is no list") }
  }

  /// - Parameter entries: a key, its value, a key, …
  private mutating func set(_ entries: [PickleValue], in target: PickleValue) throws(ZooError) {
    guard entries.count.isMultiple(of: 2) else { throw malformed("a key without a value") }
    let isDone = heap.change(target) { object in
      guard [.dictionary, .record].contains(object.kind) else { return false }
      for index in stride(from: 0, to: entries.count, by: 2) {
        object.keys.append(entries[index])
        object.values.append(entries[index + 1])
      }
      return true
    }
    guard isDone else { throw malformed("a key is set in what is no dictionary") }
  }

  private mutating func recall(_ index: Int) throws(ZooError) {
    guard let value = memo[index] else { throw malformed("value \(index) was never noted") }
    stack.append(value)
  }

  private mutating func remember(_ index: Int) throws(ZooError) {
    memo[index] = try top()
    guard memo.count <= limits.objects else {
      throw tooLarge("more than \(limits.objects) values are noted", "objects")
    }
  }

  // MARK: What would run code

  private mutating func runObject(_ code: UInt8) throws(ZooError) -> Bool {
    switch code {
    case UInt8(ascii: "c"):  // GLOBAL
      let module = try line()
      stack.append(.global("\(module).\(try line())"))
    case 0x93:  // STACK_GLOBAL
      let names = try pop(2)
      guard let module = names[0].text, let name = names[1].text else {
        throw malformed("a name that is no text")
      }
      stack.append(.global("\(module).\(name)"))
    case UInt8(ascii: "R"), 0x81:  // REDUCE, NEWOBJ
      let parts = try pop(2)
      try record(parts[0], parts[1])
    case 0x92:  // NEWOBJ_EX, with arguments by name
      let parts = try pop(3)
      try record(parts[0], parts[1])
    case UInt8(ascii: "b"):  // BUILD
      let state = try pop()
      let isDone = heap.change(try top()) { object in
        guard object.kind == .record else { return false }
        object.state = state
        return true
      }
      guard isDone else { throw malformed("attributes are set of what is no object") }
    case UInt8(ascii: "Q"): push(.persistent, [try pop()])  // BINPERSID
    default: return false
    }
    return true
  }

  private mutating func record(_ callee: PickleValue, _ arguments: PickleValue) throws(ZooError) {
    guard let arguments = heap.tuple(arguments) else { throw malformed("arguments that are no tuple") }
    stack.append(heap.add(PickleHeap.Object(kind: .record, callee: callee, arguments: arguments)))
  }

  // MARK: The stack

  private func top() throws(ZooError) -> PickleValue {
    guard let value = stack.last, stack.count > marks.last ?? 0 else { throw malformed("its stack is empty") }
    return value
  }

  private mutating func pop() throws(ZooError) -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws(ZooError) -> [PickleValue] {
    guard stack.count - count >= marks.last ?? 0 else { throw malformed("its stack is empty") }
    let values = Array(stack.suffix(count))
    stack.removeLast(count)
    return values
  }

  private mutating func popToMark() throws(ZooError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw malformed("an end without a mark") }
    let values = Array(stack[mark...])
    stack.removeSubrange(mark...)
    return values
  }

  // MARK: The bytes

  private mutating func take(_ count: Int) throws(ZooError) -> UnsafeRawBufferPointer {
    guard count >= 0, count <= bytes.count - position else {
      throw malformed("it ends in the middle of an instruction")
    }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  private mutating func byte() throws(ZooError) -> UInt8 { try take(1)[0] }

  /// A whole number of `count` bytes without a sign; one that no length can be becomes the largest.
  private mutating func number(_ count: Int) throws(ZooError) -> Int {
    let bits = try take(count).reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    return Int(clamping: bits)
  }

  /// The text up to the end of the line.
  private mutating func line() throws(ZooError) -> String {
    let rest = bytes[position...].prefix(1 << 12)
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { throw malformed("a name without an end") }
    defer { position = end + 1 }
    return String(decoding: bytes[position..<end], as: UTF8.self)
  }

  private func malformed(_ why: String) -> ZooError {
    ZooError(.malformed, "pickle", at: location, "\(why) (byte \(position))")
  }

  private func tooLarge(_ why: String, _ limit: String) -> ZooError {
    ZooError(.unsupported, "pickle", at: location, why, remedy: ReadingLimits.remedy(limit))
  }
}
