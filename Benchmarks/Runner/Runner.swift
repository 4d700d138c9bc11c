import Foundation
import JSON
import Synchronization
import Torch

/// Our side of the benchmark: reads one request a line from standard input, answers with one line of JSON.
///
/// The first line names the workload and prepares it, and is answered with `ready` or `error`. Each further line,
/// `round`, runs it once more and is answered with the seconds that each of its parts took. `Benchmarks/peer.py`
/// speaks the same protocol for the peers, so that `Benchmarks/benchmark.py` can run both in turn. With `--precision` it
/// only prints what `--precision auto` is here.
@main
enum Runner {
    static func main() throws {
        if CommandLine.arguments.dropFirst().first == "--precision" {
            print(Precision.auto.resolved(on: .cpu).rawValue)
            return
        }
        guard let line = readLine(), let object = try JSONValue.parse(line).objectValue else {
            throw RunnerError("the first line must be a JSON object that names a workload")
        }
        let workload: Workload
        let measuresCeiling: Bool
        // A round of several steps is answered with the seconds of one, and with the device's memory.
        var (steps, device) = (1, Device.cpu)
        do {
            let request = Request(object)
            // 0: as many as the program takes by itself.
            let threads = try request.int("threads")
            if threads > 0 { try Runtime.setThreadCount(threads) }
            measuresCeiling = try request.string("workload") == "ceiling"
            if try request.string("workload") == "device_check" {
                answer(["ready": .bool(true), "checks": try DeviceChecks.run(request)])
                return
            }
            if let name = try? request.string("device") {
                device = try Device(name)
                steps = (try? request.int("steps")) ?? 1
            }
            workload = try Workloads.make(request)
        } catch {
            answer(["error": .string("\(error)")])
            return
        }
        answer(["ready": .bool(true)])
        while readLine() == "round" {
            var seconds: [JSONValue] = []
            let round: (() throws -> Void) throws -> Void = { part in
                let clock = ContinuousClock()
                let start = clock.now
                try part()
                seconds.append(.number((clock.now - start) / .seconds(1) / Double(steps)))
            }
            do { try workload(round) } catch {
                answer(["error": .string("\(error)")])
                continue
            }
            var result: JSONObject = [
                "seconds": .array(seconds),
                "peak_memory": .integer(
                    device.kind == .cpu ? peakMemory() : try Runtime.memory(of: device).peak),
            ]
            for (name, value) in facts.withLock({ $0 }) { result[name] = value }
            if measuresCeiling {
                result["gflops"] = [
                    "float32": .number(try PackedKernels.peakGigaflops(.float32)),
                    "bfloat16": .number(try PackedKernels.peakGigaflops(.bfloat16)),
                ]
            }
            answer(result)
        }
    }

    /// What a workload tells beside its seconds, such as the loss of its first step.
    static let facts = Mutex<JSONObject>([:])

    private static func answer(_ object: JSONObject) {
        FileHandle.standardOutput.write(Data((JSONValue.object(object).serialized() + "\n").utf8))
    }

    /// The largest resident size of this process so far, in bytes.
    private static func peakMemory() -> Int {
        var usage = rusage()
        #if canImport(Darwin)
            getrusage(RUSAGE_SELF, &usage)
            return Int(usage.ru_maxrss)
        #else
            getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
            return Int(usage.ru_maxrss) * 1024
        #endif
    }
}

struct RunnerError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// A workload's settings.
struct Request {
    private let object: JSONObject

    init(_ object: JSONObject) { self.object = object }

    func string(_ key: String) throws -> String {
        guard let value = object[key]?.stringValue else {
            throw RunnerError("the request has no text '\(key)'")
        }
        return value
    }

    func int(_ key: String) throws -> Int {
        guard let value = object[key]?.intValue else {
            throw RunnerError("the request has no number '\(key)'")
        }
        return value
    }

    func double(_ key: String) throws -> Double {
        guard let value = object[key]?.doubleValue else {
            throw RunnerError("the request has no number '\(key)'")
        }
        return value
    }

    /// Returns true if a switch is on; off where it is not given.
    func flag(_ key: String) -> Bool { object[key]?.boolValue ?? false }

    func url(_ key: String) throws -> URL { URL(filePath: try string(key)) }

    func precision() throws -> Precision {
        let name = try string("precision")
        guard let value = Precision(rawValue: name) else { throw RunnerError("unknown precision '\(name)'") }
        return value
    }
}
