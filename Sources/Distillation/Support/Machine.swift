import Foundation
import Torch

/// Where something is measured.
public struct Machine: Sendable, Equatable, Codable {
    /// The processor's name.
    public var processor: String
    /// Its logical cores.
    public var cores: Int
    /// The instruction set that libtorch uses.
    public var capability: String
    /// The operating system.
    public var system: String
    /// Operations a second, in units of 10⁹, of a transformer layer by each way to compute it, which decide what is
    /// computed with.
    public var gigaflops: [String: Double]?

    /// A machine.
    public init(
        processor: String, cores: Int, capability: String, system: String, gigaflops: [String: Double]? = nil
    ) {
        self.processor = processor
        self.cores = cores
        self.capability = capability
        self.system = system
        self.gigaflops = gigaflops
    }
}

extension Machine {
    /// This machine.
    package static var current: Self {
        let information = ProcessInfo.processInfo
        return Self(
            processor: processorName ?? "unknown", cores: information.processorCount,
            capability: Runtime.cpuCapability, system: information.operatingSystemVersionString)
    }

    /// This machine, and how fast it computes.
    package static var measured: Self {
        var machine = current
        machine.gigaflops = Calibration.current.speeds
        return machine
    }

    private static var processorName: String? {
        #if canImport(Darwin)
            var size = 0
            guard sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0) == 0 else { return nil }
            var bytes = [UInt8](repeating: 0, count: size)
            guard sysctlbyname("machdep.cpu.brand_string", &bytes, &size, nil, 0) == 0 else { return nil }
            return String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        #else
            return cpuInformation("model name")
        #endif
    }

    /// The instruction sets that the processor names; `nil` where the system does not list them.
    static var processorFlags: String? { cpuInformation("flags") ?? cpuInformation("Features") }

    /// The first line of a name in `/proc/cpuinfo`.
    private static func cpuInformation(_ name: String) -> String? {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    }
}
