// Draws handwritten-looking letters for the demonstration of training: a folder for each letter, with small BMP files.
//
//     swift Scripts/make-letters.swift FOLDER [PICTURES-PER-LETTER]
//
// Each picture has 8x8 pixels, like the handwritten digits of which the demonstration's backbone was trained. Strokes are moved,
// turned, slanted and thickened at random; the same arguments give the same files.

import Foundation

typealias Point = (x: Double, y: Double)

/// Each letter as strokes between points of a square from 0 to 1, y downwards.
let letters: [(name: String, strokes: [[Point]])] = [
  ("A", [[(0.1, 1), (0.5, 0), (0.9, 1)], [(0.28, 0.62), (0.72, 0.62)]]),
  ("C", [[(0.85, 0.15), (0.5, 0), (0.15, 0.25), (0.1, 0.5), (0.15, 0.75), (0.5, 1), (0.85, 0.85)]]),
  ("E", [[(0.85, 0), (0.15, 0), (0.15, 1), (0.85, 1)], [(0.15, 0.5), (0.7, 0.5)]]),
  ("F", [[(0.85, 0), (0.15, 0), (0.15, 1)], [(0.15, 0.5), (0.7, 0.5)]]),
  ("H", [[(0.12, 0), (0.12, 1)], [(0.88, 0), (0.88, 1)], [(0.12, 0.5), (0.88, 0.5)]]),
  ("K", [[(0.15, 0), (0.15, 1)], [(0.85, 0), (0.15, 0.55), (0.85, 1)]]),
  ("L", [[(0.2, 0), (0.2, 1), (0.85, 1)]]),
  ("N", [[(0.12, 1), (0.12, 0), (0.88, 1), (0.88, 0)]]),
  ("P", [[(0.18, 1), (0.18, 0), (0.7, 0.03), (0.88, 0.25), (0.7, 0.5), (0.18, 0.52)]]),
  ("T", [[(0.08, 0), (0.92, 0)], [(0.5, 0), (0.5, 1)]]),
  ("U", [[(0.12, 0), (0.14, 0.7), (0.5, 1), (0.86, 0.7), (0.88, 0)]]),
  ("V", [[(0.08, 0), (0.5, 1), (0.92, 0)]]),
  ("X", [[(0.1, 0), (0.9, 1)], [(0.9, 0), (0.1, 1)]]),
  ("Y", [[(0.08, 0), (0.5, 0.48), (0.92, 0)], [(0.5, 0.48), (0.5, 1)]]),
]

/// SplitMix64, so that the same arguments give the same letters everywhere.
struct Random {
  var state: UInt64

  mutating func unit() -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return Double((z ^ (z >> 31)) >> 11) / 9_007_199_254_740_992
  }

  /// Between -extent and extent, mostly near 0.
  mutating func around(_ extent: Double) -> Double { (unit() + unit() - 1) * extent }
}

let size = 8

/// The light of each pixel, from 0 to 1: the share of it that a pen of some width has covered.
func draw(_ strokes: [[Point]], _ random: inout Random) -> [Double] {
  let (turn, slant) = (random.around(0.3), random.around(0.4))
  let (width, height) = (4.4 + random.around(1.2), 5.6 + random.around(1.2))
  let center = (x: 4 + random.around(0.7), y: 4 + random.around(0.7))
  let pen = 0.55 + random.around(0.25)
  func place(_ point: Point) -> Point {
    let x = (point.x - 0.5 + random.around(0.1)) * width
    let y = (point.y - 0.5 + random.around(0.1)) * height
    let slanted = x - slant * y
    return (
      center.x + slanted * cos(turn) - y * sin(turn), center.y + slanted * sin(turn) + y * cos(turn)
    )
  }
  let lines = strokes.map { $0.map(place) }
  func distance(_ p: Point, _ a: Point, _ b: Point) -> Double {
    let (dx, dy) = (b.x - a.x, b.y - a.y)
    let along = max(0, min(1, ((p.x - a.x) * dx + (p.y - a.y) * dy) / max(1e-9, dx * dx + dy * dy)))
    return hypot(p.x - a.x - along * dx, p.y - a.y - along * dy)
  }
  let samples = 4
  return (0..<size * size).map { pixel in
    var covered = 0
    for sample in 0..<samples * samples {
      let p = (
        x: Double(pixel % size) + (Double(sample % samples) + 0.5) / Double(samples),
        y: Double(pixel / size) + (Double(sample / samples) + 0.5) / Double(samples)
      )
      let isInk = lines.contains { line in
        zip(line, line.dropFirst()).contains { distance(p, $0, $1) < pen }
      }
      covered += isInk ? 1 : 0
    }
    return Double(covered) / Double(samples * samples)
  }
}

/// A BMP file of 24 bits a pixel, rows from the bottom.
func bitmap(_ light: [Double]) -> Data {
  func bytes(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(value >> (8 * $0) & 255) } }
  let row = size * 3
  let header = Array("BM".utf8) + bytes(54 + row * size, 4) + bytes(0, 4) + bytes(54, 4)
  let information =
    bytes(40, 4) + bytes(size, 4) + bytes(size, 4) + bytes(1, 2) + bytes(24, 2) + bytes(0, 24)
  var pixels: [UInt8] = []
  for y in (0..<size).reversed() {
    for x in 0..<size {
      pixels += [UInt8](repeating: UInt8((light[y * size + x] * 255).rounded()), count: 3)
    }
  }
  return Data(header + information + pixels)
}

let arguments = CommandLine.arguments.dropFirst()
guard let path = arguments.first, arguments.count <= 2, let count = Int(arguments.dropFirst().first ?? "12"),
  count > 0
else {
  FileHandle.standardError.write(
    Data("usage: swift Scripts/make-letters.swift FOLDER [PICTURES-PER-LETTER]\n".utf8))
  exit(64)
}
let folder = URL(filePath: path)
for (index, letter) in letters.enumerated() {
  let target = folder.appending(path: letter.name)
  try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
  for number in 0..<count {
    var random = Random(state: UInt64(index * 100_000 + number) &* 0x2545_F491_4F6C_DD1D)
    let name = "\(letter.name)-\(number).bmp"
    try bitmap(draw(letter.strokes, &random)).write(to: target.appending(path: name))
  }
}
print("\(letters.count) letters, \(count) pictures each: \(folder.path)")
