import Dispatch
import Synchronization
import ZooImages
import ZooSystem

/// What lies in a folder and the folders in it, as far as it can be a picture.
struct PictureListing {
  /// The folder.
  let path: String
  /// Files and links, each by its path inside the folder, sorted by the bytes of the names.
  private(set) var files: [Entry] = []
  /// The folders right inside, whether empty or not, sorted by the bytes of their names.
  private(set) var folders: [String] = []
  /// The folders right inside these, as paths.
  private(set) var innerFolders: [String] = []
  /// Links to folders, which are not followed: they can lead in circles.
  private(set) var linkedFolders: [String] = []
  private(set) var brokenLinks: [String] = []
  /// Folders that can't be read.
  private(set) var unreadable: [String] = []
  /// How many names are not UTF-8.
  private(set) var unnamed = 0

  struct Entry {
    let name: String
    let isLink: Bool
  }

  /// Lists everything but hidden files. Looks at no file; asks the system about links alone.
  init(of path: String) throws(ZooError) {
    self.path = path
    var waiting = [""]
    var entries = 0
    while let folder = waiting.popLast() {
      let full = folder.isEmpty ? path : joined(path, folder)
      guard let handle = opendir(full) else {
        let reason = String(cString: strerror(errno))
        guard !folder.isEmpty else { throw ZooError(.cannotOpen, "folder", at: full, reason) }
        unreadable.append(folder)
        continue
      }
      defer { closedir(handle) }
      while let entry = readdir(handle) {
        entries += 1
        guard entries <= ImageFolder.entryLimit else {
          throw ZooError(
            .unsupported, "folder", at: path, "more than \(ImageFolder.entryLimit) files and folders")
        }
        if entries % 4096 == 0 { try Cancellation.check() }
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
          $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
        }
        guard let name else {
          unnamed += 1
          continue
        }
        // What systems leave in folders, and archives made by macOS.
        if name.hasPrefix(".") || name == "__MACOSX" { continue }
        let inside = folder.isEmpty ? name : folder + "/" + name
        add(inside, Int32(entry.pointee.d_type), in: folder, waiting: &waiting)
      }
    }
    files.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for list in [\Self.folders, \.innerFolders, \.linkedFolders, \.brokenLinks, \.unreadable] {
      self[keyPath: list].sort { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
  }

  private mutating func add(_ name: String, _ type: Int32, in folder: String, waiting: inout [String]) {
    var kind = type
    if kind == Int32(DT_UNKNOWN) {
      // Some file systems don't tell.
      var status = stat()
      guard lstat(joined(path, name), &status) == 0 else { return }
      switch status.st_mode & S_IFMT {
      case S_IFDIR: kind = Int32(DT_DIR)
      case S_IFREG: kind = Int32(DT_REG)
      case S_IFLNK: kind = Int32(DT_LNK)
      default: return
      }
    }
    switch kind {
    case Int32(DT_DIR):
      waiting.append(name)
      if folder.isEmpty {
        folders.append(name)
      } else if !folder.utf8.contains(UInt8(ascii: "/")) {
        innerFolders.append(name)
      }
    case Int32(DT_REG): files.append(Entry(name: name, isLink: false))
    case Int32(DT_LNK):
      let full = joined(path, name)
      if isFolder(full) {
        linkedFolders.append(name)
      } else if isFile(full) {
        files.append(Entry(name: name, isLink: true))
      } else if !exists(full) {
        brokenLinks.append(name)
      }
    default: break
    }
  }

  /// The files that are pictures which this system decodes; notes what the others are.
  func pictures(notes: inout ListingNotes) -> [Entry] {
    let kinds = FileLook.look(at: files.map { joined(path, $0.name) })
    var root: String?
    var pictures: [Entry] = []
    pictures.reserveCapacity(files.count)
    for (file, kind) in zip(files, kinds) {
      guard notes.accepts(kind, name: file.name) else { continue }
      pictures.append(file)
      if file.isLink {
        let own = root ?? realPath(path) ?? path
        root = own
        if let target = realPath(joined(path, file.name)), !target.hasPrefix(own + "/") { notes.outside += 1 }
      }
    }
    return pictures
  }
}

/// The path without links; nil where there is nothing.
func realPath(_ path: String) -> String? {
  guard let resolved = realpath(path, nil) else { return nil }
  defer { free(resolved) }
  return String(validatingCString: resolved)
}

/// What a file's first bytes say.
enum FileLook: Sendable {
  case picture
  /// A format that this system does not decode.
  case otherFormat(ImageFormat)
  case noPicture
  case missing
  case unreadable

  /// Looks at all files, on all processors: opening is what takes the time of a long list.
  static func look(at paths: [String]) -> [FileLook] {
    let block = 512
    let blocks = (paths.count + block - 1) / block
    return [FileLook](unsafeUninitializedCapacity: paths.count) { target, filled in
      nonisolated(unsafe) let target = target
      DispatchQueue.concurrentPerform(iterations: blocks) { index in
        for place in index * block..<min(paths.count, (index + 1) * block) {
          target.baseAddress?.advanced(by: place).initialize(to: FileLook(path: paths[place]))
        }
      }
      filled = paths.count
    }
  }

  /// - Parameter path: a file that may be anything; only regular files are read.
  init(path: String) {
    // Without waiting, in case it is a pipe.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      self = errno == ENOENT || errno == ENOTDIR ? .missing : .unreadable
      return
    }
    defer { close(descriptor) }
    self = withUnsafeTemporaryAllocation(byteCount: ImageFormat.longestSignature, alignment: 1) { start in
      let count = pread(descriptor, start.baseAddress, start.count, 0)
      guard count >= 0 else { return errno == EISDIR || errno == ESPIPE ? .noPicture : .unreadable }
      guard let format = ImageFormat(recognising: UnsafeRawBufferPointer(rebasing: start[..<count])) else {
        return .noPicture
      }
      return format.isRead ? .picture : .otherFormat(format)
    }
  }
}

/// What was found besides pictures, for warnings.
struct ListingNotes {
  private var otherFormats: [(name: String, format: ImageFormat)] = []
  private var noPictures: [String] = []
  private(set) var missing: [String] = []
  private var unreadable: [String] = []
  private var linkedFolders: [String] = []
  private var brokenLinks: [String] = []
  private var unnamed = 0
  /// How many pictures lie outside the data's folder.
  var outside = 0

  /// Whether the file is a picture; remembers it where it is not.
  mutating func accepts(_ kind: FileLook, name: String) -> Bool {
    switch kind {
    case .picture: return true
    case .otherFormat(let format): otherFormats.append((name, format))
    case .noPicture: noPictures.append(name)
    case .missing: missing.append(name)
    case .unreadable: unreadable.append(name)
    }
    return false
  }

  mutating func add(_ listing: PictureListing) {
    linkedFolders += listing.linkedFolders
    brokenLinks += listing.brokenLinks
    unreadable += listing.unreadable
    unnamed += listing.unnamed
  }

  var warnings: [String] {
    var warnings: [String] = []
    func warn(_ names: [String], _ noun: String, _ one: String, _ many: String) {
      guard !names.isEmpty else { return }
      warnings.append(
        "\(counted(names.count, noun)) \(names.count == 1 ? one : many) left out: \(listed(names, atMost: 3))"
      )
    }
    if let first = otherFormats.first {
      let count = otherFormats.count
      warnings.append(
        "\(counted(count, "picture")) of formats that are not read \(count == 1 ? "is" : "are") left out: "
          + "\(listed(otherFormats.map(\.name), atMost: 3)); the first is \(first.format.name)")
    }
    warn(noPictures, "file", "is no picture and is", "are no pictures and are")
    warn(missing, "picture", "is not there and is", "are not there and are")
    warn(unreadable, "file", "can't be read and is", "can't be read and are")
    warn(brokenLinks, "link", "leads nowhere and is", "lead nowhere and are")
    warn(linkedFolders, "link", "to a folder is", "to folders are")
    if unnamed > 0 {
      warnings.append(
        "\(counted(unnamed, "file")) whose name is not UTF-8 \(unnamed == 1 ? "is" : "are") left out")
    }
    if outside > 0 {
      warnings.append(
        "\(counted(outside, "picture")) \(outside == 1 ? "lies" : "lie") outside the data's folder")
    }
    return warnings
  }
}
