import ZooGraph

/// Makes the gradient of some numbers, which are all of one variable, or says where it lies: from their places in a
/// layout and memory for as many. Any thread may ask.
package typealias GradientSource<Scalar> = (Range<Int>, UnsafeMutablePointer<Scalar>) -> UnsafePointer<Scalar>

/// The source of a gradient that lies in memory (parameters of a layout).
func source<Scalar>(of gradient: UnsafeBufferPointer<Scalar>) -> GradientSource<Scalar> {
  { range, scratch in gradient.baseAddress.map { $0 + range.lowerBound } ?? UnsafePointer(scratch) }
}

/// Which numbers of a flat buffer are which variable's.
///
/// Weights, gradients and an optimizer's state of one training are buffers of this layout: the variables one
/// after the other, each row-major in its own shape.
package struct ParameterLayout: Sendable, Equatable {
  /// Numbers that are learned together.
  package struct Variable: Sendable, Equatable {
    /// Unique in the layout, for example `conv1/kernel`.
    package let name: String
    /// How many numbers it has.
    package let count: Int
    /// Whether it has a single axis, as biases have.
    package let isVector: Bool
    /// What the schedule's rate is multiplied by.
    package var rate: Double

    package init(_ name: String, count: Int, isVector: Bool, rate: Double = 1) {
      precondition(count >= 0, "a variable has a negative number of values")
      self.name = name
      self.count = count
      self.isVector = isVector
      self.rate = rate
    }

    /// The variable of a weight slot.
    package init(_ slot: WeightSlot, rate: Double = 1) {
      self.init(slot.name, count: slot.shape.elementCount, isVector: slot.shape.rank <= 1, rate: rate)
    }
  }

  /// A part of a variable, of the size that one thread works on at a time.
  struct Block: Sendable, Equatable {
    let variable: Int
    let range: Range<Int>
  }

  /// The variables in the order of the buffer.
  package let variables: [Variable]
  /// How many numbers all variables have together.
  package let count: Int
  let blocks: [Block]
  private let starts: [Int]

  /// The numbers in a block: in many more blocks than threads, and few enough for the first caches.
  private static let blockSize = 1 << 15

  package init(_ variables: [Variable]) {
    var (starts, blocks, start): ([Int], [Block], Int) = ([], [], 0)
    for (index, variable) in variables.enumerated() {
      starts.append(start)
      let end = start + variable.count
      for low in stride(from: start, to: end, by: Self.blockSize) {
        blocks.append(Block(variable: index, range: low..<min(low + Self.blockSize, end)))
      }
      start = end
    }
    self.variables = variables
    self.starts = starts
    self.blocks = blocks
    count = start
  }

  /// The places of a variable's numbers.
  package func range(of variable: Int) -> Range<Int> {
    starts[variable]..<starts[variable] + variables[variable].count
  }

  /// Calls `body` for each block with its gradient, on all threads.
  func forEachBlock<Scalar>(
    of gradient: GradientSource<Scalar>, on workers: Workers?,
    _ body: (Int, Block, UnsafePointer<Scalar>) -> Void
  ) {
    forEachBlock(on: workers) { index, block in
      withUnsafeTemporaryAllocation(of: Scalar.self, capacity: block.range.count) { scratch in
        guard let base = scratch.baseAddress else { return }
        body(index, block, gradient(block.range, base))
      }
    }
  }

  /// Calls `body` for each block, on all threads.
  func forEachBlock(on workers: Workers?, _ body: (Int, Block) -> Void) {
    guard let workers else {
      for (index, block) in blocks.enumerated() { body(index, block) }
      return
    }
    workers.forEach(blocks.count) { body($0, blocks[$0]) }
  }
}
