import Distillation
import Files
import Foundation
import HubStore

/// The source of models and data on the Hub for the commands: the cache, else the program `distill-hub` beside this one.
///
/// The HTTP client and its dependencies would be most of the build, and a run on local files uses none of it.
enum HubSource {
    /// The directory of a snapshot; what is not in the cache yet is fetched first.
    ///
    /// - Throws: `HubError`, ``HubProcessError``, `FileError` where it cannot be started, or `InterruptedError`.
    static func snapshot(
        of repository: HubRepository, files: FileSelection = .model,
        configuration: HubConfiguration = HubConfiguration(), helper: URL? = helper, quiet: Bool = false
    ) throws -> URL {
        let lookup = HubLookup(configuration)
        if let settled = try lookup.settledSnapshot(of: repository, files: files) { return settled }
        let display = DownloadDisplay(quiet: quiet)
        defer { display.clear() }
        guard let helper else {
            guard let cached = try? lookup.cachedSnapshot(of: repository, files: files) else {
                throw HubProcessError.missing(repository.id)
            }
            display.show(
                .warning(
                    "\(repository.id): the Hub was not asked whether there is something newer, since distill-hub is not "
                        + "built ('make build'); using the cached \(cached.lastPathComponent)"))
            return cached
        }
        return try fetch(HubFetch(repository, files, cache: configuration.cache), by: helper) {
            display.show($0)
        }
    }

    /// The data files that a reference names, at least one, in the order in which they are one data set.
    ///
    /// - Throws: as ``snapshot(of:files:configuration:helper:quiet:)``.
    static func data(of reference: HubDataReference, split: DataSplit, quiet: Bool = false) throws -> [URL] {
        let configuration = HubConfiguration()
        let directory = try snapshot(
            of: reference.repository, files: .data(reference, split: split), configuration: configuration,
            quiet: quiet)
        return try HubLookup(configuration).data(of: reference, split: split, in: directory)
    }

    /// The program that has the network client; `nil` where it was not built.
    static var helper: URL? {
        guard let own = Bundle.main.executableURL?.resolvingSymlinksInPath() else { return nil }
        let url = own.deletingLastPathComponent().appending(path: "distill-hub")
        return FileManager.default.isExecutableFile(atPath: url.path) ? url : nil
    }

    /// Has a snapshot fetched.
    private static func fetch(_ request: HubFetch, by helper: URL, onEvent: (HubEvent) -> Void) throws -> URL
    {
        let id = try request.repository.id
        let process = try ChildProcess(
            helper, [], environment: ProcessInfo.processInfo.environment, input: .pipe, output: .pipe,
            errors: .inherited)
        defer { process.finish() }
        // If the process no longer reads, the missing answer shows it.
        try? process.write(try HubFetch.line(request) + "\n")
        while let line = process.readLine() {
            guard let message = HubFetch.read(HubFetch.Message.self, line) else {
                throw HubProcessError.misunderstood(helper.path)
            }
            if let event = message.event { onEvent(event) }
            switch message {
            case .snapshot(let path): return URL(filePath: path, directoryHint: .isDirectory)
            case .failure(let reason): throw HubProcessError.failed(reason)
            case .warning, .progress: continue
            }
        }
        if Interrupt.isRequested { throw InterruptedError("what was fetched is kept") }
        switch process.wait() {
        case .signal(let number): throw HubProcessError.ended(id, "signal \(number)")
        case .exit(let status): throw HubProcessError.ended(id, "exit code \(status)")
        }
    }
}

/// The reason why `distill-hub` did not fetch something.
enum HubProcessError: Error, Equatable, CustomStringConvertible {
    /// It was not built, and the cache does not have the repository with this id.
    case missing(String)
    /// Its message about the Hub, the cache or the network, with what to do.
    case failed(String)
    /// It is of another build.
    case misunderstood(String)
    /// It ended without an answer.
    case ended(String, String)

    var description: String {
        switch self {
        case .missing(let id):
            "\(id) is not in the cache, and the program that fetches it, distill-hub, is not built; run 'make build'"
        case .failed(let reason): reason
        case .misunderstood(let path):
            "\(path): gives an answer that is not understood; it is of another build: run 'make build'"
        case .ended(let id, let how):
            "\(id): distill-hub ended (\(how)) while it fetched this; try again: it goes on where it was"
        }
    }
}
