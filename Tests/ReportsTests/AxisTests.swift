import Testing

@testable import Reports

@Suite("Axes")
struct AxisTests {
    private static let ranges: [[Double]] = [
        [], [0], [1], [-3], [0, 1], [0.93, 0.94], [1, 1.0000001], [-1e9, 1e9], [1e-12, 3e-12], [0, 1e-300],
        [5, 5, 5], [.nan, .infinity, 2], [.nan], [0.5, -.infinity], [1e308, -1e308], [3, 70_000],
        [1_048_576, 90_900_000], [0.61, 1.95, 6.93],
    ]

    @Test("ticks rise, lie within the axis, and are few", arguments: ranges, [false, true])
    func ticks(_ values: [Double], _ isLogarithmic: Bool) {
        let axis = Axis(values, isLogarithmic: isLogarithmic)
        #expect(axis.lower < axis.upper)
        #expect(axis.lower.isFinite && axis.upper.isFinite)
        #expect((2...12).contains(axis.ticks.count), "\(axis)")
        #expect(zip(axis.ticks, axis.ticks.dropFirst()).allSatisfy { $0 < $1 }, "\(axis.ticks)")
        let slack = (axis.upper - axis.lower) * 1e-9
        #expect(axis.ticks.allSatisfy { $0 >= axis.lower - slack && $0 <= axis.upper + slack }, "\(axis)")
        for value in values where value.isFinite && abs(value) < 1e150 && (!isLogarithmic || value > 1e-150) {
            #expect(axis.lower <= value && value <= axis.upper, "\(value) in \(axis)")
        }
    }

    @Test("places rise with values and stay between 0 and 1", arguments: [false, true])
    func places(_ isLogarithmic: Bool) throws {
        let values = [0.61, 1.95, 3, 6.93, 42]
        let axis = Axis(values, isLogarithmic: isLogarithmic)
        let places = try values.map { try #require(axis.place($0)) }
        #expect(zip(places, places.dropFirst()).allSatisfy { $0 < $1 })
        #expect(places.allSatisfy { (0...1).contains($0) })
        #expect(axis.place(.nan) == nil)
        #expect(axis.place(.infinity) == nil)
        #expect(axis.place(1e300) == 1)
        #expect(axis.place(-100) == (isLogarithmic ? nil : 0))
    }

    @Test("equal ratios are equally far on a logarithmic axis")
    func ratios() throws {
        let axis = Axis([1, 100], isLogarithmic: true)
        let (a, b, c) = (
            try #require(axis.place(1)), try #require(axis.place(10)), try #require(axis.place(100))
        )
        #expect(abs((b - a) - (c - b)) < 1e-12)
    }

    @Test("round numbers: every distance between ticks is 1, 2, 2.5 or 5 times a power of ten")
    func round() {
        for span in stride(from: 0.013, to: 900, by: 7.31) {
            let axis = Axis([0, span])
            for (a, b) in zip(axis.ticks, axis.ticks.dropFirst()) {
                var step = b - a
                while step >= 10 { step /= 10 }
                while step < 0.9999 { step *= 10 }
                #expect([1, 2, 2.5, 5, 10].contains { abs($0 - step) < 1e-6 }, "\(step) of \(axis.ticks)")
            }
        }
    }

    @Test("steps are whole numbers", arguments: [3.0, 7, 12, 47, 4000])
    func whole(_ last: Double) {
        let axis = Axis([1, last], padding: 0, isWhole: true)
        #expect(axis.ticks.allSatisfy { $0 == $0.rounded() }, "\(axis.ticks)")
    }

    @Test("noise is no cliff: a least span")
    func minimum() {
        let axis = Axis([0.8500, 0.8501], padding: 0, minimumSpan: 0.02)
        #expect(axis.upper - axis.lower >= 0.02)
    }
}
