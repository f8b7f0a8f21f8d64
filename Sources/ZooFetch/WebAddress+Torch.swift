extension WebAddress {
  /// The first digits of the file's SHA-256, which torchvision has in its names: `resnet50-0676ba61.pth`.
  package var torchDigits: String? {
    guard scheme == .https, host == "download.pytorch.org" else { return nil }
    let parts = fileName.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 2, ["pth", "pt"].contains(parts[parts.count - 1]),
      let hyphen = fileName.lastIndex(of: "-")
    else { return nil }
    let digits = fileName[fileName.index(after: hyphen)...].prefix { $0 != "." }.lowercased()
    return FileHash.isHexadecimal(digits, count: 8) ? digits : nil
  }
}
