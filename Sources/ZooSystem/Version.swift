/// The version of the package: the one place that states it. The Makefile reads it from this line, and a test
/// compares it with the newest heading of CHANGELOG.md.
package enum ZooVersion {
  package static let current = "0.1.0"
}
