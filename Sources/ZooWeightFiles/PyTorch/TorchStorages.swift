import ZooSystem
import ZooTensor

/// The storages of a PyTorch file, by their keys.
enum TorchStorages: Sendable {
  /// Since version 1.6: a member of the archive each, below this path.
  case members(ZipArchive, folder: String, checks: [String: OneTimeCheck])
  /// Before: one after the other behind the pickles.
  case ranges(ByteSlice, [String: Range<Int>])

  /// The storages of an archive whose pickle is the member `folder` + `data.pkl`.
  init(archive: ZipArchive, folder: String) {
    let prefix = folder + "data/"
    var checks: [String: OneTimeCheck] = [:]
    // Without checksums, which PyTorch can leave out, all of them are 0.
    for member in archive.members where member.name.hasPrefix(prefix) && member.checksum != 0 {
      checks[String(member.name.dropFirst(prefix.count))] = OneTimeCheck { () throws(ZooError) in
        _ = try archive.bytes(of: member, checked: true)
      }
    }
    self = .members(archive, folder: prefix, checks: checks)
  }

  /// The storages that follow the pickles of an older file: of each a count in 8 bytes, and its elements.
  ///
  /// - Parameters:
  ///   - keys: in the order of the file.
  ///   - storages: what the pickle says of them.
  ///   - start: where the first one is.
  init(
    of file: ByteSlice, keys: [String], storages: [String: (count: Int, size: Int)], from start: Int,
    location: String
  ) throws(ZooError) {
    var ranges: [String: Range<Int>] = [:]
    var position = start
    for key in keys {
      let place = "\(location), storage \(key)"
      guard let (count, size) = storages[key] else {
        throw ZooError(.malformed, "PyTorch file", at: place, "no tensor has it")
      }
      let stored = file.withUnsafeBytes { LittleEndianReader($0).size(at: position) }
      guard let stored else {
        throw ZooError(.malformed, "PyTorch file", at: place, "it lies beyond the end of the file")
      }
      guard stored == count else {
        throw ZooError(
          .malformed, "PyTorch file", at: place, "it has \(stored) elements, the pickle says \(count)")
      }
      let (length, overflow) = stored.multipliedReportingOverflow(by: size)
      position += 8
      guard !overflow, length <= file.count - position else {
        throw ZooError(.malformed, "PyTorch file", at: place, "it reaches beyond the end of the file")
      }
      guard ranges.updateValue(position..<position + length, forKey: key) == nil else {
        throw ZooError(.malformed, "PyTorch file", at: place, "the file has it twice")
      }
      position += length
    }
    self = .ranges(file, ranges)
  }

  /// Throws unless the file has all of `storage`; reads nothing of it.
  func check(_ storage: TorchStorage, location: String) throws(ZooError) {
    let (end, overflow) = (storage.offset + storage.count).multipliedReportingOverflow(
      by: storage.elementSize)
    let found = try size(of: storage.key, location: location)
    guard !overflow, end <= found else {
      throw ZooError(
        .malformed, "PyTorch file", at: location,
        "storage \(storage.key) has \(found) bytes, \(storage.count) elements need \(end)")
    }
  }

  private func size(of key: String, location: String) throws(ZooError) -> Int {
    switch self {
    case .members(let archive, let folder, _):
      let member = try member(key, in: archive, folder, location: location)
      guard !member.isDeflated else {
        throw ZooError(
          .unsupported, "PyTorch file", at: location,
          "storage \(key) is compressed, which PyTorch never does",
          remedy: "Load the file with torch.load and save it again with torch.save.")
      }
      return member.storedSize
    case .ranges(_, let ranges):
      guard let range = ranges[key] else { throw absent(key, location: location) }
      return range.count
    }
  }

  /// The bytes of the storage `key`, checked against its checksum once.
  func bytes(of key: String, location: String) throws(ZooError) -> ByteSlice {
    switch self {
    case .members(let archive, let folder, let checks):
      try checks[key]?.run()
      return try archive.bytes(of: member(key, in: archive, folder, location: location), checked: false)
    case .ranges(let file, let ranges):
      guard let range = ranges[key], let bytes = file.part(range) else {
        throw absent(key, location: location)
      }
      return bytes
    }
  }

  private func member(
    _ key: String, in archive: ZipArchive, _ folder: String, location: String
  ) throws(ZooError) -> ZipMember {
    guard let member = archive[folder + key] else { throw absent(key, location: location) }
    return member
  }

  private func absent(_ key: String, location: String) -> ZooError {
    ZooError(.malformed, "PyTorch file", at: location, "its storage \(key) is not in the file")
  }
}
