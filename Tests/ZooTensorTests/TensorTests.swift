import Testing
import ZooSystem
import ZooTensor

@Suite struct Float16BitsTests {
  @Test func everyHalfSurvives() {
    for bits in UInt16.min...UInt16.max {
      let value = Float(float16Bits: bits)
      if bits & 0x7fff > 0x7c00 {
        #expect(value.isNaN && Float(bitPattern: value.bitPattern).float16Bits & 0x7e00 == 0x7e00)
      } else {
        #expect(value.float16Bits == bits)
      }
    }
  }

  #if !(os(macOS) && arch(x86_64))
    @Test func widensAsTheHardwareDoes() {
      for bits in UInt16.min...UInt16.max where bits & 0x7fff <= 0x7c00 {
        #expect(Float(float16Bits: bits).bitPattern == Float(Float16(bitPattern: bits)).bitPattern)
      }
    }

    /// Each half, the midpoint to the next, and the singles around that midpoint.
    @Test func roundsAsTheHardwareDoes() {
      for bits in UInt16(0)..<0x7c00 {
        let low = Float(float16Bits: bits)
        let high = bits == 0x7bff ? 65536 : Float(float16Bits: bits + 1)
        let middle = (low + high) / 2
        for value in [low, low.nextUp, middle.nextDown, middle, middle.nextUp] {
          #expect(value.float16Bits == Float16(value).bitPattern)
          #expect((-value).float16Bits == Float16(-value).bitPattern)
        }
      }
      for value: Float in [
        1e6, .greatestFiniteMagnitude, .infinity, .leastNonzeroMagnitude, 0x1p-25, 0x1.8p-25,
      ] {
        #expect(value.float16Bits == Float16(value).bitPattern)
      }
    }
  #endif
}

@Suite struct ShapeTests {
  @Test func refusesWhatCannotBe() {
    #expect(Shape(checking: [-1]) == nil)
    #expect(Shape(checking: [1 << 20, 1 << 21]) == nil)
    #expect(Shape(checking: [Int.max, Int.max]) == nil)
    #expect(Shape(checking: [1 << 20, 1 << 20])?.elementCount == Shape.elementLimit)
    #expect(Shape(checking: [])?.elementCount == 1)
    #expect(Shape(checking: [0, 3])?.elementCount == 0)
    #expect(Shape(checking: [0, Int.max, Int.max]) == nil)
  }

  @Test func describesItself() {
    #expect(Shape([3, 3, 64]).description == "3x3x64")
    #expect(Shape([]).description == "scalar")
  }
}

@Suite struct StoredTensorTests {
  private func stored(_ type: ElementType, _ bytes: [UInt8]) -> StoredTensor? {
    StoredTensor(
      shape: [bytes.count / type.byteCount], elementType: type, bytes: ByteSlice(HeapBytes(bytes)))
  }

  @Test func readsEveryElementType() {
    #expect(stored(.float16, [0x00, 0x3c])?.doubles() == [1])
    #expect(stored(.bfloat16, [0x80, 0x3f])?.doubles() == [1])
    #expect(stored(.float32, [0, 0, 0x80, 0x3f])?.doubles() == [1])
    #expect(stored(.float64, [0, 0, 0, 0, 0, 0, 0xf0, 0x3f])?.doubles() == [1])
    #expect(stored(.int8, [0xff])?.doubles() == [-1])
    #expect(stored(.uint8, [0xff])?.doubles() == [255])
    #expect(stored(.int16, [0xfe, 0xff])?.doubles() == [-2])
    #expect(stored(.uint16, [0xfe, 0xff])?.doubles() == [65534])
    #expect(stored(.int32, [0xff, 0xff, 0xff, 0xff])?.doubles() == [-1])
    #expect(stored(.uint32, [0, 0, 0, 1])?.doubles() == [0x1p24])
    #expect(stored(.int64, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])?.doubles() == [-1])
    #expect(stored(.uint64, [2, 0, 0, 0, 0, 0, 0, 0])?.floats() == [2])
    #expect(stored(.bool, [1, 0])?.floats() == [1, 0])
  }

  @Test func refusesAWrongNumberOfBytes() {
    #expect(
      StoredTensor(
        shape: [2], elementType: .float32, bytes: ByteSlice(HeapBytes([UInt8](repeating: 0, count: 7))))
        == nil)
  }

  @Test func slicesStayInside() {
    let bytes = HeapBytes([1, 2, 3] as [UInt8])
    #expect(ByteSlice(bytes, range: 1..<4) == nil)
    #expect(ByteSlice(bytes, range: -1..<2) == nil)
    #expect(ByteSlice(bytes, range: 1..<3)?.withUnsafeBytes { Array($0) } == [2, 3])
  }
}
