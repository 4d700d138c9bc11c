import Distillation
import Foundation
import Synchronization
import Torch

/// The start of a command in several processes on this machine, as `torchrun` does it.
///
/// This process trains nothing: it serves the store in which the others find one another, passes signals on to them, and ends all
/// where one ends with an error.
enum Launcher {
    /// The seconds in which processes end by themselves after one of them has failed.
    private static let grace = 10.0

    private static let children = Mutex<[pid_t]>([])

    /// The variable that holds the number of the process which started this one.
    private static let parentVariable = "DISTILL_LAUNCHER"

    /// True in the processes that this started.
    static var isParent: Bool {
        ProcessInfo.processInfo.environment[parentVariable].flatMap { pid_t($0) } == getppid()
    }

    /// Starts this program with its arguments so many times, and ends with their exit code.
    static func run(_ count: Int) throws -> Never {
        let store = try ProcessStore(host: "127.0.0.1", port: 0, isServer: true, timeout: 60)
        for number in [SIGINT, SIGTERM, SIGHUP] { forward(number) }
        var running: [pid_t: Int] = [:]
        for rank in 0..<count {
            let place = ProcessEnvironment(
                rank: rank, worldSize: count, localRank: rank, localWorldSize: count,
                masterAddress: "127.0.0.1", masterPort: store.port, hasAgentStore: true)
            do {
                let child = try start(place)
                running[child] = rank
                children.withLock { $0.append(child) }
            } catch {
                end(running)
                throw error
            }
        }
        exit(wait(for: running, count))
    }

    private static func forward(_ number: Int32) {
        signal(number, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
        source.setEventHandler {
            children.withLock { for child in $0 { kill(child, number) } }
        }
        source.resume()
        sources.withLock { $0.append(Source(source)) }
    }

    private struct Source: @unchecked Sendable {
        let source: any DispatchSourceSignal
        init(_ source: any DispatchSourceSignal) { self.source = source }
    }
    private static let sources = Mutex<[Source]>([])

    private static func start(_ place: ProcessEnvironment) throws -> pid_t {
        var environment = ProcessInfo.processInfo.environment
        environment.merge(place.variables) { $1 }
        // What c10d warns of is said by this program where it matters.
        environment["TORCH_CPP_LOG_LEVEL"] = environment["TORCH_CPP_LOG_LEVEL"] ?? "ERROR"
        let path = try executable()
        let arguments = [path] + CommandLine.arguments.dropFirst()
        environment[parentVariable] = String(getpid())
        // In groups of their own: a signal to this one's group, such as a terminal's Ctrl-C, reaches them once, through this process.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var child = pid_t()
        let result = withStrings(arguments) { arguments in
            withStrings(environment.map { "\($0)=\($1)" }) { variables in
                posix_spawn(&child, path, nil, &attributes, arguments, variables)
            }
        }
        guard result == 0 else {
            throw DistillationError("\(path): cannot be started: \(String(cString: strerror(result)))")
        }
        return child
    }

    private static func executable() throws -> String {
        guard let path = Bundle.main.executablePath else {
            throw DistillationError("the program's own file is not found; start the processes with torchrun")
        }
        return path
    }

    private static func withStrings<Result>(
        _ strings: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    /// Waits for all processes.
    ///
    /// - Returns: 0 where all have done their work, else the exit code of the first that did not.
    private static func wait(for processes: [pid_t: Int], _ count: Int) -> Int32 {
        var running = processes
        var failure: Int32?
        var deadline: Date?
        var isEnded = false
        while !running.isEmpty {
            var status: Int32 = 0
            let child = waitpid(-1, &status, WNOHANG)
            if child > 0, let rank = running.removeValue(forKey: child) {
                children.withLock { $0.removeAll { $0 == child } }
                guard let code = code(of: status), code != 0 else { continue }
                // What this process had to end says nothing more.
                if isEnded { continue }
                if let number = signalNumber(of: status) {
                    Terminal.error(
                        "Error: process \(rank) of \(count) (process id \(child)) was killed by signal \(number)"
                            + (number == SIGKILL ? ", perhaps because memory was short" : ""))
                }
                // What a process says of the loss of another counts less than what that one says.
                if failure == nil || failure == ProcessSession.lossCode { failure = code }
                deadline = deadline ?? Date(timeIntervalSinceNow: grace)
            } else {
                if let deadline, Date() > deadline, !isEnded {
                    end(running)
                    isEnded = true
                }
                usleep(20_000)
            }
        }
        return failure ?? 0
    }

    /// A process's exit code, or a shell's for the signal that killed it; `nil` while it runs.
    private static func code(of status: Int32) -> Int32? {
        if let number = signalNumber(of: status) { return 128 + number }
        return status & 0x7F == 0 ? (status >> 8) & 0xFF : nil
    }

    private static func signalNumber(of status: Int32) -> Int32? {
        let number = status & 0x7F
        return number != 0 && number != 0x7F ? number : nil
    }

    private static func end(_ processes: [pid_t: Int]) {
        for child in processes.keys { kill(child, SIGKILL) }
    }
}
