import Foundation
import Testing
import ZooLearning
import ZooSystem

@Suite struct ScheduleTests {
  @Test func ratesAgreeWithKeras() throws {
    let golden = try OptimizationGoldens.read().schedules
    #expect(golden.cases.count == 10)
    for own in golden.cases {
      let schedule = try own.made()
      try schedule.check()
      for (step, rate) in zip(golden.steps, own.rates) {
        #expect(abs(schedule.rate(at: step) - rate) < 1e-15 * max(rate, 1e-3), "\(schedule) \(step)")
      }
      #expect(schedule.momentum(at: 3) == nil)
      let written = try JSONEncoder().encode(schedule)
      #expect(try JSONDecoder().decode(Schedule.self, from: written) == schedule)
    }
    #expect(Schedule.constant(0.5).rate(at: 99) == 0.5)
  }

  @Test func aCycleRisesAndFalls() {
    var cycle = Schedule.OneCycle(peak: 0.5, steps: 40)
    let schedule = Schedule.oneCycle(cycle)
    #expect(schedule.rate(at: 0) == 0.5 / 25)
    #expect(abs(schedule.rate(at: 5) - (0.02 + 0.5) / 2) < 1e-15)
    #expect(schedule.rate(at: 10) == 0.5)
    #expect(abs(schedule.rate(at: 25) - (0.5 + 0.5e-5) / 2) < 1e-15)
    #expect(abs(schedule.rate(at: 40) - 0.5e-5) < 1e-16)
    #expect(schedule.rate(at: 1000) == schedule.rate(at: 40))
    let rates = (0...40).map { schedule.rate(at: $0) }
    #expect(zip(rates[...10], rates[1...10]).allSatisfy { $0 < $1 })
    #expect(zip(rates[10...], rates[11...]).allSatisfy { $0 > $1 })
    #expect(schedule.momentum(at: 0) == 0.95)
    #expect(schedule.momentum(at: 10) == 0.85)
    #expect(schedule.momentum(at: 40) == 0.95)
    cycle.highMomentum = nil
    #expect(Schedule.oneCycle(cycle).momentum(at: 10) == nil)
  }

  @Test func senselessSchedulesAreRefused() {
    var cycle = Schedule.OneCycle(peak: 1, steps: 10)
    cycle.rise = 1
    let senseless: [Schedule] = [
      .constant(-1), .constant(.nan), .cosine(initial: 1, steps: 0), .cosine(initial: 1, steps: 1, floor: 2),
      .cosine(initial: 1, steps: 1, warmUp: .init(steps: 0)), .exponential(initial: 1, steps: 1, factor: -1),
      .inverseTime(initial: .infinity, steps: 1, factor: 1),
      .polynomial(initial: 1, final: 0, steps: 1, power: -1),
      .piecewise(boundaries: [1], rates: [1]), .piecewise(boundaries: [2, 1], rates: [1, 1, 1]),
      .oneCycle(cycle), .oneCycle(.init(peak: 1, steps: -1)),
    ]
    for schedule in senseless {
      let error = #expect(throws: ZooError.self) { try schedule.check() }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Test func plateausAgreeWithKeras() throws {
    let golden = try OptimizationGoldens.read().plateaus
    for own in golden.cases {
      var plateau = Plateau()
      plateau.factor = own.options.factor ?? plateau.factor
      plateau.patience = own.options.patience ?? plateau.patience
      plateau.leastChange = own.options.leastChange ?? plateau.leastChange
      plateau.cooldown = own.options.cooldown ?? 0
      plateau.leastRate = own.options.leastRate ?? 0
      plateau.isHigherBetter = own.options.isHigherBetter ?? false
      try plateau.check()
      var (state, rate, rates) = (PlateauState(), 0.5, [Double]())
      for (epoch, loss) in golden.losses.enumerated() {
        rate = state.update(loss, rate: rate, plateau)
        rates.append(rate)
        guard epoch == 6 else { continue }
        // An interruption does not show.
        state = try JSONDecoder().decode(PlateauState.self, from: JSONEncoder().encode(state))
      }
      #expect(rates == own.rates)
    }
    var broken = PlateauState()
    var plateau = Plateau()
    plateau.patience = 2
    #expect(broken.update(.nan, rate: 1, plateau) == 1)
    #expect(broken.update(.nan, rate: 1, plateau) == 0.1)
    #expect(broken.best == nil)
    plateau.factor = 1
    #expect(throws: ZooError.self) { try plateau.check() }
  }
}
