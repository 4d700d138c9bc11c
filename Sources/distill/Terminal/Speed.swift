import Foundation

/// The speed of something counted: of late, and over all.
struct Speed {
    private let start: Date
    /// The last counts with their times, at most those of ``window`` seconds and one before.
    private var samples: [(time: Date, total: Int)]
    private var last = 0
    /// The count over all.
    private(set) var total = 0

    /// The seconds over which the present speed is a mean.
    private static let window = 10.0

    init(start: Date = Date()) {
        self.start = start
        samples = [(start, 0)]
    }

    /// Takes note of a count. One that is less than the last begins anew.
    mutating func count(_ value: Int, at now: Date = Date()) {
        total += value < last ? value : value - last
        last = value
        // A sample every quarter of a second is enough.
        if let newest = samples.last, samples.count > 1, now.timeIntervalSince(newest.time) < 0.25 {
            samples[samples.count - 1].total = total
        } else {
            samples.append((now, total))
        }
        while samples.count > 2, now.timeIntervalSince(samples[1].time) >= Self.window {
            samples.removeFirst()
        }
    }

    /// In a second, over the last while; `nil` as long as nothing can be said.
    func now(_ now: Date = Date()) -> Double? {
        guard let oldest = samples.first, total > oldest.total else { return nil }
        let seconds = now.timeIntervalSince(oldest.time)
        return seconds > 0.2 ? Double(total - oldest.total) / seconds : nil
    }

    /// In a second, from the beginning; `nil` where nothing was counted.
    func mean(seconds: Double) -> Double? { total > 0 ? Double(total) / max(seconds, 1e-3) : nil }
}
