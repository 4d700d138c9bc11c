import Foundation

/// A process of another program, spoken to line by line on its standard input and output; its standard error is this one's.
///
/// Foundation's `Process` ends this process where there are no file descriptors left; this is an error there.
final class ChildProcess {
    /// How a process came to its end.
    enum Ending: Equatable {
        case status(Int32)
        case signal(Int32)
    }

    private let identifier: pid_t
    private let input: Int32
    private let output: Int32
    private var pending: [UInt8] = []
    private var ending: Ending?

    /// Starts a program with this process's environment and the signals' usual meanings.
    ///
    /// - Throws: ``StartError``.
    init(_ executable: String) throws {
        let (theirInput, input) = try Self.pipe()
        defer { close(theirInput) }
        let theirOutput: Int32
        do { (output, theirOutput) = try Self.pipe() } catch {
            close(input)
            throw error
        }
        defer { close(theirOutput) }
        self.input = input
        do { identifier = try Self.start(executable, input: theirInput, output: theirOutput) } catch {
            close(input)
            close(output)
            throw error
        }
    }

    deinit {
        close(input)
        close(output)
        wait()
    }

    /// Writes a line. Where nobody reads it any more, the missing answer says so.
    func send(_ line: String) {
        var rest = ArraySlice((line + "\n").utf8)
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { write(input, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { return }
            rest = rest.dropFirst(written)
        }
    }

    /// The next line without its end; `nil` at the end. What follows the last line end is no line.
    func readLine() -> String? {
        var buffer = [UInt8](repeating: 0, count: 1 << 14)
        while true {
            if let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
                let line = String(decoding: pending[..<end], as: UTF8.self)
                pending.removeSubrange(...end)
                return line
            }
            let count = read(output, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return nil }
            pending += buffer[..<count]
        }
    }

    /// Waits until the process has ended.
    @discardableResult
    func wait() -> Ending {
        if let ending { return ending }
        var status: Int32 = 0
        while waitpid(identifier, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7f
        let result: Ending = signal == 0 ? .status((status >> 8) & 0xff) : .signal(signal)
        ending = result
        return result
    }

    // MARK: -

    /// Why a program could not be started.
    struct StartError: Error, CustomStringConvertible {
        let code: Int32
        var description: String { String(cString: strerror(code)) }
    }

    /// Both ends of a pipe, which other programs that are started do not inherit.
    private static func pipe() throws -> (reading: Int32, writing: Int32) {
        var ends: [Int32] = [-1, -1]
        guard Foundation.pipe(&ends) == 0 else { throw StartError(code: errno) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        return (ends[0], ends[1])
    }

    private static func start(_ executable: String, input: Int32, output: Int32) throws -> pid_t {
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        // What else is open here (locks, caches, the user's pipes) is none of its business.
        for number in (try? FileManager.default.contentsOfDirectory(atPath: "/dev/fd")) ?? [] {
            guard let descriptor = Int32(number), descriptor > STDERR_FILENO else { continue }
            posix_spawn_file_actions_addclose(&actions, descriptor)
        }
        var (none, usual) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigemptyset(&usual)
        // This program ignores them; a program that writes to a pipe expects to be ended.
        for number in [SIGPIPE, SIGXFSZ] { sigaddset(&usual, number) }
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &usual)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(executable), nil]
        var environment: [UnsafeMutablePointer<CChar>?] = ProcessInfo.processInfo.environment.map {
            strdup("\($0.key)=\($0.value)")
        }
        environment.append(nil)
        defer { for pointer in arguments + environment { free(pointer) } }
        var identifier: pid_t = 0
        let code = posix_spawn(&identifier, executable, &actions, &attributes, &arguments, &environment)
        guard code == 0 else { throw StartError(code: code) }
        return identifier
    }
}
