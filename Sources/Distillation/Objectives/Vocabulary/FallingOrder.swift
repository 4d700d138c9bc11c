import Foundation

/// The order of probabilities from the largest to the smallest.
enum FallingOrder {
    private static let digits: [(shift: UInt32, bits: Int)] = [(0, 11), (11, 11), (22, 10)]

    /// The indices of each row's numbers in falling order, rows one after another; equal numbers in the order of their indices.
    ///
    /// The bits of numbers that are not negative rise with them, so that they are sorted by their digits.
    static func indices(_ values: [Float], count: Int, width: Int) -> [Int64] {
        precondition(values.count == count * width)
        return [Int64](unsafeUninitializedCapacity: count * width) { buffer, initialized in
            initialized = count * width
            guard let start = buffer.baseAddress else { return }
            let place = Place(start: start)
            values.withUnsafeBufferPointer { values in
                guard let first = values.baseAddress else { return }
                let source = Source(start: first)
                DispatchQueue.concurrentPerform(iterations: count) { row in
                    sort(source.start + row * width, width, into: place.start + row * width)
                }
            }
        }
    }

    private static func sort(
        _ values: UnsafePointer<Float>, _ width: Int, into order: UnsafeMutablePointer<Int64>
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * width) { buffer in
            guard var from = buffer.baseAddress else { return }
            var to = from + width
            for index in 0..<width {
                // Of the complement, the smallest comes first. A zero may have a sign.
                let key = ~max(values[index], 0).bitPattern
                (from + index).initialize(to: UInt64(key) << 32 | UInt64(index))
                (to + index).initialize(to: 0)
            }
            for digit in digits {
                distribute(from, to, width, digit.shift + 32, digit.bits)
                swap(&from, &to)
            }
            for index in 0..<width {
                (order + index).initialize(to: Int64(truncatingIfNeeded: from[index] & 0xFFFF_FFFF))
            }
        }
    }

    /// Copies keys in the order of one of their digits.
    private static func distribute(
        _ from: UnsafeMutablePointer<UInt64>, _ to: UnsafeMutablePointer<UInt64>, _ width: Int,
        _ shift: UInt32,
        _ bits: Int
    ) {
        let mask = UInt64(1) << UInt64(bits) - 1
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1 << bits) { starts in
            starts.initialize(repeating: 0)
            for index in 0..<width { starts[Int(from[index] >> UInt64(shift) & mask)] &+= 1 }
            var sum: Int32 = 0
            for value in starts.indices { (starts[value], sum) = (sum, sum &+ starts[value]) }
            for index in 0..<width {
                let value = Int(from[index] >> UInt64(shift) & mask)
                to[Int(starts[value])] = from[index]
                starts[value] &+= 1
            }
        }
    }

    /// Memory of which each thread writes a part of its own.
    private struct Place: @unchecked Sendable { let start: UnsafeMutablePointer<Int64> }
    /// Memory that threads read.
    private struct Source: @unchecked Sendable { let start: UnsafePointer<Float> }
}
