import Foundation
import Hub
import Synchronization

/// The part of `distill` that goes to the network. `distill` starts it where something has to be fetched, so that a build that needs
/// nothing from the Hub has no HTTP client. See `HubFetch` for what the two say to each other.
@main
enum DistillHub {
    static func main() async {
        guard isatty(STDIN_FILENO) == 0, let line = readLine(),
            let request = HubFetch.read(HubFetch.self, line)
        else {
            FileHandle.standardError.write(
                Data(
                    "distill-hub is started by distill, and by nothing else; see 'distill download --help'\n"
                        .utf8))
            exit(EX_USAGE)
        }
        endWithWhoeverAsked()
        let answers = Answers()
        guard request.version == HubFetch.currentVersion else {
            answers.send(
                .failure(
                    "distill-hub and distill are of different builds; run 'make build' to make them alike"))
            exit(EX_SOFTWARE)
        }
        do {
            var configuration = HubConfiguration()
            configuration.cache = URL(filePath: request.cache, directoryHint: .isDirectory)
            let directory = try await HubClient(configuration).snapshot(
                of: request.repository, files: request.files
            ) { answers.send(event: $0) }
            answers.send(.snapshot(directory.path))
        } catch {
            answers.send(.failure("\(error)"))
            exit(EXIT_FAILURE)
        }
    }

    /// Ends this process when its input ends, in whatever way the process that wrote to it ended: the
    /// download is no longer wanted.
    ///
    /// The bytes received so far stay in the cache as a partial file, from which the next download goes on.
    private static func endWithWhoeverAsked() {
        let watch = Thread {
            var byte: UInt8 = 0
            while true {
                let count = read(STDIN_FILENO, &byte, 1)
                if count == 0 || count < 0 && errno != EINTR { _exit(128 + SIGHUP) }
            }
        }
        watch.stackSize = 1 << 16
        watch.start()
    }
}

/// Writes messages to standard output, from any thread.
private final class Answers: Sendable {
    /// The time of the last progress event.
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    func send(_ message: HubFetch.Message) { last.withLock { _ in Self.write(message) } }

    /// Sends progress ten times a second at most, but the end of every file.
    func send(event: HubEvent) {
        last.withLock { last in
            if case .progress(let progress) = event, !progress.isFileDone {
                let now = ContinuousClock.now
                if let last, now - last < .milliseconds(100) { return }
                last = now
            }
            Self.write(HubFetch.Message(event))
        }
    }

    private static func write(_ message: HubFetch.Message) {
        guard let line = try? HubFetch.line(message) else { return }
        var rest = ArraySlice((line + "\n").utf8)
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { _exit(128 + SIGPIPE) }
            rest = rest.dropFirst(written)
        }
    }
}
