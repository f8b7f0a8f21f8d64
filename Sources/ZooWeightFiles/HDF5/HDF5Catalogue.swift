import ZooTensor

/// What is in an HDF5 file and where, as libhdf5 sees it: all that is needed to read the file without
/// libhdf5.
///
/// Nothing in it has been checked against the file: it is made from a file that may be hostile, and often
/// by another process.
struct HDF5Catalogue: Sendable, Hashable {
  /// Groups and datasets; the first is the root group. An object that several links lead to is here once.
  var objects: [Object] = []

  struct Object: Sendable, Hashable {
    /// Else it is a group; known where its content is not.
    var isDataset: Bool
    var content: Content
    var attributes: [String: Attribute] = [:]
  }

  enum Content: Sendable, Hashable {
    /// By ascending name.
    case group([Member])
    case dataset(Dataset)
    case problem(Problem)
  }

  struct Member: Sendable, Hashable {
    let name: String
    let link: Link
  }

  enum Link: Sendable, Hashable {
    /// The index of an object.
    case hard(Int)
    case soft, external, other
    /// It leads nowhere.
    case problem(Problem)
  }

  enum Attribute: Sendable, Hashable {
    /// A scalar is one string.
    case strings([String])
    /// Without elements, of whatever type.
    case empty
    /// One integer, scalar or not.
    case integer(Int64)
    /// Of a type that is neither.
    case other
    case problem(Problem)
  }

  /// Why a part can't be read; it matters only to who asks for that part.
  struct Problem: Error, Sendable, Hashable {
    var kind = Kind.malformed
    let why: String
    var remedy: String?

    enum Kind: UInt8, Sendable {
      case malformed
      /// Well-formed, but not read.
      case unsupported
      /// More than one of the ``ReadingLimits`` allows: then the whole file is refused.
      case limit
    }
  }

  struct Dataset: Sendable, Hashable {
    /// Row-major; none for a scalar.
    let extents: [UInt64]
    let elementType: ElementType
    let isBigEndian: Bool
    let storage: Storage
  }

  /// Where a dataset's elements are.
  enum Storage: Sendable, Hashable {
    /// In one piece; offset and size in bytes.
    case contiguous(offset: UInt64, size: UInt64)
    /// In the catalogue itself: the bytes that were in the dataset's header.
    case compact([UInt8])
    case chunked(Chunks)
    /// Nowhere: every element has this value.
    case unwritten(fill: [UInt8])
  }

  /// A dataset's elements in blocks of one shape, each stored on its own.
  struct Chunks: Sendable, Hashable {
    /// The shape of a chunk, as many axes as the dataset has.
    let extents: [UInt64]
    /// In the order in which they were applied.
    let filters: [Filter]
    /// What elements are in chunks that are not stored.
    let fill: [UInt8]
    let stored: [Chunk]
  }

  enum Filter: Sendable, Hashable {
    case deflate
    /// Of elements of this many bytes.
    case shuffle(size: UInt64)
    case fletcher32
  }

  struct Chunk: Sendable, Hashable {
    /// Its first element in the dataset.
    let origin: [UInt64]
    let offset: UInt64
    let size: UInt64
    /// Bit i: filter i was not applied.
    let skippedFilters: UInt32
  }
}
