// What an app does with a model: it comes with the app, and labels frames of the camera.
//
//     CameraApp MODEL.zoo
//
// The frames are drawn here, in the form in which Core Graphics and Core Video have them: 32 bits a pixel, blue first,
// and rows that begin every `bytesPerRow` bytes.

import Foundation
import ModelZoo

/// A frame as `CVPixelBufferGetBaseAddress` or `CGContext.data` gives it.
struct Frame: Sendable {
  let width: Int
  let height: Int
  /// From one row to the next, more than `width * 4` where rows are filled up.
  let bytesPerRow: Int
  /// Blue, green, red, alpha.
  let bytes: [UInt8]

  /// The same pixels as the library takes them.
  func picture() throws(ZooError) -> Picture {
    try Picture(width: width, height: height, bytes: bytes, format: .bgra, rowStride: bytesPerRow)
  }
}

/// Labels frames; those that come while it is at work are dropped.
actor Recognizer {
  private let classifier: Classifier
  private var isBusy = false

  /// - Parameter resource: the bytes of the `.zoo` file in the app's bundle.
  init(resource: Data) throws(ZooError) {
    // Memory is what an app has least of: better an error here than the end of the app later.
    let options = RunOptions(threads: 2, memoryLimit: 200_000_000, concurrentCalls: 1)
    classifier = try Classifier(model: Model(bytes: resource, name: "the app's model"), options: options)
  }

  /// The label of a frame; nil where it was dropped.
  func label(_ frame: Frame) async throws -> Prediction? {
    guard !isBusy else { return nil }
    isBusy = true
    defer { isBusy = false }
    // The actor hears of the next frame while this one is computed on a thread of the library.
    return try await classifier.computePredictions(of: frame.picture(), top: 1).first
  }
}

@main
struct CameraApp {
  static func main() async {
    guard let path = CommandLine.arguments.dropFirst().first else {
      return print("usage: CameraApp MODEL.zoo")
    }
    do {
      let resource = try Data(contentsOf: URL(fileURLWithPath: path))
      let recognizer = try Recognizer(resource: resource)
      try await withThrowingTaskGroup { group in
        for position in 0..<20 {
          group.addTask { (position, try await recognizer.label(frame(position))) }
          try await Task.sleep(for: .milliseconds(5))
        }
        for try await (position, prediction) in group {
          print("frame \(position): \(prediction.map { "\($0.label), \($0.value)" } ?? "dropped")")
        }
      }
    } catch let error as ZooError where error.code == .tooLarge {
      print("This device has too little memory for the model: \(error)")
    } catch {
      print("Cannot recognize: \(error)")
    }
  }

  /// What a camera could see: a bright bar that moves to the right.
  private static func frame(_ position: Int) -> Frame {
    let (width, height, bytesPerRow) = (90, 60, 384)
    var bytes = [UInt8](repeating: 0, count: height * bytesPerRow)
    for y in 0..<height {
      for x in 0..<width {
        let isBright = abs(x - 3 * position - 15) < 6 && (10..<50).contains(y)
        for channel in 0..<3 { bytes[y * bytesPerRow + x * 4 + channel] = isBright ? 230 : 20 }
        bytes[y * bytesPerRow + x * 4 + 3] = 255
      }
    }
    return Frame(width: width, height: height, bytesPerRow: bytesPerRow, bytes: bytes)
  }
}
