import Files
import Foundation
import Torch

/// The measured speeds of machines, kept so that a machine decides alike each time and measures once.
///
/// The file is `calibration.json` in the cache directory; a machine is known by its processor with its flags, the kernels
/// for it and libtorch's version. It can be deleted at any time.
public struct CalibrationFile: Sendable {
    let url: URL

    /// - Parameter cache: Whose directory holds the file.
    public init(_ cache: CacheOptions = CacheOptions()) {
        url = cache.root.appending(path: "calibration.json")
    }

    /// Sets `Calibration.current` to the earlier measurement of this machine, and keeps new measurements.
    public func install() {
        Calibration.keep(load: { self.load(Self.machine) }, save: { self.save($0, Self.machine) })
    }

    private struct Contents: Codable {
        var machines: [String: [String: Double]] = [:]
    }

    /// Returns the measurement of a machine; `nil` where there is none, or it lacks one of the ways of computing.
    func load(_ machine: String) -> Calibration? {
        guard let speeds = contents()?.machines[machine] else { return nil }
        var gigaflops: [Calibration.Way: Double] = [:]
        for way in Calibration.Way.allCases {
            guard let speed = speeds[way.rawValue], speed.isFinite, speed > 0 else { return nil }
            gigaflops[way] = speed
        }
        return Calibration(gigaflops: gigaflops)
    }

    /// Keeps a measurement. One that cannot be kept is made again next time.
    func save(_ calibration: Calibration, _ machine: String) {
        var contents = contents() ?? Contents()
        contents.machines[machine] = calibration.speeds
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(contents) else { return }
        try? makeCacheDirectory(url.deletingLastPathComponent())
        try? AtomicFile.write(String(decoding: data, as: UTF8.self) + "\n", to: url)
    }

    private func contents() -> Contents? {
        (try? Data(contentsOf: url)).flatMap { try? JSONDecoder().decode(Contents.self, from: $0) }
    }

    /// The identity of this machine.
    static var machine: String {
        let processor = Machine.current
        let flags = Digest.sha256(Machine.processorFlags ?? "").prefix(12)
        return [
            processor.processor, "flags \(flags)", "kernels \(PackedKernels.instructionSet)",
            "libtorch \(Runtime.version) \(Runtime.cpuCapability)",
        ].joined(separator: ", ")
    }
}

extension Calibration {
    /// Gigaflops a second by the ways' names, to three digits.
    var speeds: [String: Double] {
        Dictionary(
            uniqueKeysWithValues: gigaflops.map { way, speed in
                let unit = pow(10, floor(log10(max(speed, 1e-9))) - 2)
                return (way.rawValue, (speed / unit).rounded() * unit)
            })
    }
}
