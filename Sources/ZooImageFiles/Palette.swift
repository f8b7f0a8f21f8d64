#if !canImport(ImageIO)
  import ZooImages

  /// The colours that a picture's values number.
  struct Palette {
    private var colors: [(red: UInt8, green: UInt8, blue: UInt8)]

    /// Nothing but black, which what a file leaves open stays, as in Pillow.
    init() { colors = Array(repeating: (0, 0, 0), count: 256) }

    /// For pictures without a palette: each number is a shade of grey.
    static var grey: Palette {
      var palette = Palette()
      for index in 0...255 { palette[index] = (UInt8(index), UInt8(index), UInt8(index)) }
      return palette
    }

    subscript(index: Int) -> (red: UInt8, green: UInt8, blue: UInt8) {
      get { colors[index] }
      set { colors[index] = newValue }
    }

    /// The picture whose pixels are these numbers.
    func image(width: Int, height: Int, indices: [UInt8]) -> Image {
      let count = width * height * 3
      let pixels = [UInt8](unsafeUninitializedCapacity: count) { target, filled in
        for (pixel, index) in indices.enumerated() {
          let color = colors[Int(index)]
          target[pixel * 3] = color.red
          target[pixel * 3 + 1] = color.green
          target[pixel * 3 + 2] = color.blue
        }
        filled = count
      }
      return Image(width: width, height: height, pixels: pixels)
    }
  }
#endif
