/// A class name as Keras' `to_snake_case` writes it: `DepthwiseConv2D` is `depthwise_conv2d`, `ReLU` `re_lu`.
package func kerasSnakeCase(_ name: String) -> String {
  let word = Array(
    name.unicodeScalars.filter { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) })
  func isUpper(_ i: Int) -> Bool { word.indices.contains(i) && ("A"..."Z").contains(word[i]) }
  func isLower(_ i: Int) -> Bool { word.indices.contains(i) && ("a"..."z").contains(word[i]) }
  var result = String.UnicodeScalarView()
  for (i, scalar) in word.enumerated() {
    if i > 0, isUpper(i), isLower(i + 1) || isLower(i - 1), word[i - 1] != "_" { result.append("_") }
    result.append(contentsOf: String(scalar).lowercased().unicodeScalars)
  }
  return String(result)
}
