import ZooTensor

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// Lays out a safetensors file.
package struct SafetensorsWriter {
  /// A tensor that the file is to hold.
  package struct Tensor: Sendable {
    package let name: String
    package let shape: Shape
    package let elementType: ElementType

    package init(name: String, shape: Shape, elementType: ElementType) {
      self.name = name
      self.shape = shape
      self.elementType = elementType
    }

    var byteCount: Int { shape.elementCount * elementType.byteCount }
  }

  /// The bytes before the first tensor's.
  package let start: [UInt8]
  /// Where each tensor's data starts, in bytes from the file's start.
  package let offsets: [Int]

  /// - Parameters:
  ///   - tensors: no two of one name.
  ///   - metadata: what goes under `__metadata__`; nothing does where it is empty.
  package init(tensors: [Tensor], metadata: [String: String]) throws {
    // As the format's own library does: larger elements first, so that all are aligned.
    let order = tensors.indices.sorted { a, b in
      let (sizeA, sizeB) = (tensors[a].elementType.byteCount, tensors[b].elementType.byteCount)
      return sizeA != sizeB ? sizeA > sizeB : a < b
    }
    let typeNames = Dictionary(
      uniqueKeysWithValues: SafetensorsHeader.elementTypes.map { ($0.value, $0.key) })
    var offsets = [Int](repeating: 0, count: tensors.count)
    var members: [String: Member] = metadata.isEmpty ? [:] : ["__metadata__": .texts(metadata)]
    var end = 0
    for index in order {
      let tensor = tensors[index]
      offsets[index] = end
      end += tensor.byteCount
      members[tensor.name] = .tensor(
        Description(
          dtype: typeNames[tensor.elementType] ?? "", shape: tensor.shape.dimensions,
          offsets: [offsets[index], end]))
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var header = [UInt8](try encoder.encode(members))
    header += repeatElement(UInt8(ascii: " "), count: (8 - header.count % 8) % 8)
    let length = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
    start = length + header
    self.offsets = offsets.map { $0 + length.count + header.count }
  }

  private enum Member: Encodable {
    case texts([String: String])
    case tensor(Description)

    func encode(to encoder: any Encoder) throws {
      switch self {
      case .texts(let texts): try texts.encode(to: encoder)
      case .tensor(let description): try description.encode(to: encoder)
      }
    }
  }

  private struct Description: Encodable {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }
}
