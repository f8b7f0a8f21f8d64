import Testing
import ZooGraph
import ZooImages

@Suite struct PreprocessingTests {
  /// Two pixels, and what Keras' `preprocess_input` computes from them in float32.
  @Test(
    arguments: [
      (.none, [0, 100, 255, 7, 8, 9]),
      (.unknown, [0, 100, 255, 7, 8, 9]),
      (.unit, [0, 0.3921568691730499, 1, 0.027450980618596077, 0.0313725508749485, 0.03529411926865578]),
      (.tf, [-1.0, -0.21568626165390015, 1.0, -0.9450980424880981, -0.9372549057006836, -0.929411768913269]),
      (
        .caffe,
        [
          151.06100463867188, -16.77899932861328, -123.68000030517578, -94.93900299072266,
          -108.77899932861328, -116.68000030517578,
        ]
      ),
      (
        .torch,
        [
          -2.1179039478302, -0.28501397371292114, 2.640000104904175, -1.998030662536621, -1.895658254623413,
          -1.647581696510315,
        ]
      ),
      (
        .caffeRGB,
        [
          -123.68000030517578, -16.77899932861328, 151.06100463867188, -116.68000030517578,
          -108.77899932861328, -94.93900299072266,
        ]
      ),
    ] as [(Preprocessing, [Float])])
  func values(_ mode: Preprocessing, expected: [Float]) {
    let image = Image(width: 2, height: 1, pixels: [0, 100, 255, 7, 8, 9])
    let tensor = mode.tensor(of: image)
    #expect(tensor.shape == [1, 1, 2, 3])
    #expect(tensor.values == expected)
  }

  /// Between black and white, pixels are equal steps apart.
  @Test(arguments: Preprocessing.statable) func ranges(_ mode: Preprocessing) throws {
    let range = try #require(mode.range(channels: 3))
    for pixel in [0, 1, 100, 254, 255] as [UInt8] {
      let values = mode.tensor(of: Image(width: 1, height: 1, pixels: [pixel, pixel, pixel])).values
      for (channel, value) in values.enumerated() {
        let (low, high) = (range.lowest[channel], range.highest[channel])
        #expect(abs((value - low) / (high - low) * 255 - Float(pixel)) < 1e-4, "\(channel), \(pixel)")
      }
    }
    #expect((mode.range(channels: 1) != nil) == mode.takesGrey)
    #expect(Preprocessing.unknown.range(channels: 3) == nil)
  }

  @Test func theOtherOrderOfChannels() {
    let rgb = Image(width: 2, height: 1, pixels: [0, 100, 255, 7, 8, 9])
    let values = Preprocessing.torch.tensor(of: rgb).values
    let reversed = Array(values[..<3].reversed() + values[3...].reversed())
    #expect(Preprocessing.torchBGR.tensor(of: rgb).values == reversed)
  }

  @Test func aBatchIsResized() throws {
    let images = [
      Image(width: 2, height: 1, pixels: [0, 100, 255, 7, 8, 9]),
      Image(width: 1, height: 1, pixels: [9, 9, 9]),
    ]
    let batch = try Preprocessing.none.batch(of: images, height: 1, width: 2)
    #expect(batch.shape == [2, 1, 2, 3])
    #expect(batch.values == [0, 100, 255, 7, 8, 9, 9, 9, 9, 9, 9, 9])
  }

  /// As Pillow's `convert("L")`, checked there: the weights are 19595, 38470 and 7471 of 65536.
  @Test func greyIsPillows() throws {
    let rgb = Image(width: 3, height: 1, pixels: [0, 100, 255, 7, 8, 9, 200, 200, 200])
    #expect(rgb.grey.pixels == [88, 88, 88, 8, 8, 8, 200, 200, 200])
    let batch = try Preprocessing.none.batch(of: [rgb], height: 1, width: 3, channels: 1)
    #expect(batch.shape == [1, 1, 3, 1])
    #expect(batch.values == [88, 8, 200])
  }
}
