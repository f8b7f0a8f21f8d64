import Testing
import ZooExport
import ZooTestSupport

@Suite struct ProtobufMessageTests {
  private func bytes(_ message: ProtobufMessage) -> [UInt8] {
    message.parts.flatMap { part -> [UInt8] in
      switch part {
      case .bytes(let bytes): bytes
      case .payload(let index, let count): [UInt8](repeating: UInt8(index), count: count)
      }
    }
  }

  /// The bytes of the encoding's own description.
  @Test func knownBytes() {
    var inner = ProtobufMessage()
    inner.add(1, int: 150)
    #expect(bytes(inner) == [0x08, 0x96, 0x01])
    var text = ProtobufMessage()
    text.add(2, text: "testing")
    #expect(bytes(text) == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67])
    var outer = ProtobufMessage()
    outer.add(3, message: inner)
    #expect(bytes(outer) == [0x1a, 0x03, 0x08, 0x96, 0x01])
    var negative = ProtobufMessage()
    negative.add(1, int: -2)
    let ones = [UInt8](repeating: 0xff, count: 8)
    let expected: [UInt8] = [[0x08, 0xfe], ones, [0x01]].flatMap { $0 }
    #expect(bytes(negative) == expected)
    var float = ProtobufMessage()
    float.add(20, float: 1)
    #expect(bytes(float) == [0xa5, 0x01, 0x00, 0x00, 0x80, 0x3f])
    var packed = ProtobufMessage()
    packed.add(4, packed: [3, 270, 86942])
    #expect(bytes(packed) == [0x22, 0x06, 0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05])
  }

  @Test func payloadsCountBeforeTheyAreThere() throws {
    var inner = ProtobufMessage()
    inner.add(1, int: Int.max)
    inner.add(9, payload: 7, count: 300)
    inner.add(2, text: "é")
    var outer = ProtobufMessage()
    outer.add(7, message: inner)
    outer.add(1, int: Int.min)
    let bytes = bytes(outer)
    #expect(bytes.count == outer.length)
    let fields = try ProtobufFields(bytes[...])
    #expect(fields.int(1) == Int.min)
    let read = try #require(try fields.messages(7).first)
    #expect(read.int(1) == Int.max)
    #expect(read.bytes(9).map { Array($0) } == [[UInt8](repeating: 7, count: 300)])
    #expect(read.text(2) == "é")
  }
}
