import ArgumentParser
import Distillation
import Files
import Foundation

/// Starts the program `distill-serve` beside this one in this one's place: a server that most builds need not have.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract:
            "Answer requests over HTTP, as text-embeddings-inference does: labels, entities, vectors, ranks.",
        discussion: "All options are distill-serve's; see distill serve --help.", helpNames: [])

    @Argument(parsing: .captureForPassthrough, help: .hidden)
    var arguments: [String] = []

    func run() throws {
        guard let own = Bundle.main.executableURL?.resolvingSymlinksInPath() else {
            throw ServeError("this program's own place is not known; run distill-serve itself")
        }
        let program = own.deletingLastPathComponent().appending(path: "distill-serve")
        guard FileManager.default.isExecutableFile(atPath: program.path) else {
            throw ServeError("distill-serve is not built; run 'make build'")
        }
        // What this program ignores is the server's own to decide.
        signal(SIGPIPE, SIG_DFL)
        signal(SIGXFSZ, SIG_DFL)
        var words: [UnsafeMutablePointer<CChar>?] = ([program.path] + arguments).map { strdup($0) }
        words.append(nil)
        execv(program.path, &words)
        throw ServeError("\(program.path): cannot be started: \(String(cString: strerror(errno)))")
    }
}

/// The reason why there is no server.
struct ServeError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
