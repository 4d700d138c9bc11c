import Foundation
import Testing
import Torch

/// What tests of learning share. What a model learns differs with the seed, the precision and the order of sums, and so with
/// the processor; a test holds an aggregate to a bound that all of them keep by a margin. `scripts/margins.sh` measures the
/// margins over seeds, kernels and precisions; each such test says what it found.
enum Learning {
    private static let environment = ProcessInfo.processInfo.environment

    /// The seed of such tests; `DISTILL_TEST_SEED` takes another.
    static let seed = environment["DISTILL_TEST_SEED"].flatMap { UInt64($0) } ?? 42
    /// The precision of such tests; `DISTILL_TEST_PRECISION` takes another.
    static let precision = environment["DISTILL_TEST_PRECISION"].flatMap { Precision(rawValue: $0) } ?? .auto

    /// Holds a value to a bound that it must exceed.
    ///
    /// - Parameter name: What is measured, for `scripts/margins.sh`.
    static func expect(
        _ name: String, _ value: Double?, above bound: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let value = try #require(value, "\(name)", sourceLocation: sourceLocation)
        note(name, value, ">", bound)
        #expect(value > bound, "\(name)", sourceLocation: sourceLocation)
    }

    /// Holds a value to a bound that it must stay below.
    static func expect(
        _ name: String, _ value: Double?, below bound: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let value = try #require(value, "\(name)", sourceLocation: sourceLocation)
        note(name, value, "<", bound)
        #expect(value < bound, "\(name)", sourceLocation: sourceLocation)
    }

    /// Appends a line to the file that `DISTILL_TEST_MARGINS` names.
    private static func note(_ name: String, _ value: Double, _ relation: String, _ bound: Double) {
        guard let path = environment["DISTILL_TEST_MARGINS"] else { return }
        let level = environment["DISTILL_CPU_CAPABILITY"] ?? "own"
        let line = "\(name)\t\(value)\t\(relation)\t\(bound)\t\(seed)\t\(level)\t\(precision.rawValue)\n"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o644)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = Array(line.utf8).withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    }
}
