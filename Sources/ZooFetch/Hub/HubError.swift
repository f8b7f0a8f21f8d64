import ZooSystem

/// What the hub's errors mean, and what to do.
enum HubError {
  /// Whether the repository and the revision are there, but not the file.
  static func isNoSuchFile(_ head: AnswerHead) -> Bool { head["x-error-code"] == "EntryNotFound" }

  static func noSuchFile(_ file: HubFile, _ tried: [String], hub: HubSettings) -> ZooError {
    error(
      file, "the repository has no \(tried.joined(separator: " or ")) at \(file.revision)",
      "See \(page(file, hub))/tree/\(file.revision) and name a file: hf://\(file.repository)/FILE.")
  }

  static func setback(
    _ head: AnswerHead, file: HubFile, name: String, hub: HubSettings, at address: WebAddress, now: Double
  ) -> Setback {
    let message = head["x-error-message"] ?? ""
    let hasToken = hub.token != nil
    switch head["x-error-code"] {
    case "RepoNotFound":
      return .final(
        error(
          file, "there is no such repository, or it is private",
          hasToken
            ? "Check the name; if it is right, your token has no access."
            : "Check the name; if it is private, set HF_TOKEN."))
    case "GatedRepo":
      return .final(
        error(
          file, "it is gated: its owner has to grant access",
          "Request access at \(page(file, hub))" + (hasToken ? "." : ", then set HF_TOKEN.")))
    case "RevisionNotFound":
      return .final(
        error(
          file, "the repository has no branch, tag or commit '\(file.revision)'",
          "See \(page(file, hub))/tree/main."))
    default: break
    }
    if message.hasPrefix("Invalid credentials") || (head.status == 401 && hasToken) {
      return .final(error(file, "the hub does not accept the token", "Log in again, or unset HF_TOKEN."))
    }
    if message == "Access to this resource is disabled." {
      return .final(error(file, "the hub has disabled access to it", nil))
    }
    if head.status == 401 {
      return .final(
        error(
          file, "there is no such repository, or it is private",
          "Check the name; if it is private, set HF_TOKEN."
        ))
    }
    return Setback(head, at: address, now: now)
  }

  static func offline(_ file: HubFile, _ names: [String], cache: String) -> ZooError {
    error(
      file,
      "\(names.joined(separator: " or ")) is not in the cache \(cache), and the hub is not asked in offline mode",
      "Run the same command once without --offline and without HF_HUB_OFFLINE.")
  }

  private static func page(_ file: HubFile, _ hub: HubSettings) -> String {
    var text = hub.endpoint.shown
    while text.hasSuffix("/") { text.removeLast() }
    return "\(text)/\(file.repository)"
  }

  private static func error(_ file: HubFile, _ why: String, _ remedy: String?) -> ZooError {
    ZooError(.cannotOpen, what: "cannot download", at: file.text, why, remedy: remedy)
  }
}
