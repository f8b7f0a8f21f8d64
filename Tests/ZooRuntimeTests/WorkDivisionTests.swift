import Testing
import ZooRuntime

/// How products are divided among threads.
@Suite struct WorkDivisionTests {
  /// Rows and panels of products in Xception, MobileNetV2, ResNet-50 and Inception v3.
  static let products = [(361, 23), (49, 5), (49, 10), (49, 40), (196, 16), (98, 64), (64, 14), (100, 64)]

  @Test(arguments: products, [1, 2, 3, 4, 8])
  func columnsAreSharedEvenly(_ product: (rows: Int, panels: Int), threads: Int) {
    let (rows, panels) = product
    let work = WorkDivision(rows, limit: 180, panels: panels, by: .columns, threads: threads, share: 4)
    let blocks = (rows + work.block - 1) / work.block
    let groups = (panels + work.group - 1) / work.group
    #expect(work.units == blocks * groups)
    #expect(work.block <= 180)
    // Each thread has a contiguous part of the units, a group's blocks one after the other.
    let shares = (0..<threads).map { thread in
      (work.units * thread / threads..<work.units * (thread + 1) / threads).reduce(0) { sum, unit in
        let (block, group) = (unit % blocks, unit / blocks)
        return sum + min(work.block, rows - block * work.block) * min(work.group, panels - group * work.group)
      }
    }
    #expect(shares.reduce(0, +) == rows * panels)
    // With whole panels only, the largest share of 23 on 2 threads is 1.04 of an even one, and of 5 on 3 threads 1.2.
    let most = Double(shares.max() ?? 0) * Double(threads) / Double(rows * panels)
    #expect(
      most <= (threads <= 2 ? 1.03 : 1.15), "\(rows) rows, \(panels) panels, \(threads) threads: \(most)")
  }

  /// Where panels suffice for all threads, rows stay together.
  @Test func evenPanelsAreNotDividedByRows() {
    let work = WorkDivision(49, limit: 180, panels: 40, by: .columns, threads: 2, share: 4)
    #expect(work.block == 49)
    #expect(work.units == 8)
  }
}
