import ChatTemplates
import Files
import Foundation
import Reports
import Safetensors
import Tokenizers
import Transformers

/// The directory in which a run saves its model, and the run's claim on it: while this object lives, no other run can
/// write there.
///
/// At any moment the directory is either absent or a complete model: every save is built beside it and then replaces it
/// in one step. Without leave to overwrite, a save only ever replaces what this run saved before.
package final class OutputDirectory {
    package let url: URL
    /// The leftovers of a killed run that were found and removed.
    package var leftovers: Leftovers.Removed? { lock.leftovers }

    private let lock: OutputLock
    let overwrite: Bool
    /// The directories for a model that cannot be saved in ``url``.
    private let refuges: [URL]
    /// The directory that the last save put into place; kept open, so that no other can have its identity.
    private var saved: StagedDirectory?
    /// What an earlier part of the same run saved, which may be replaced.
    private var claimed: FileIdentity?
    /// The location of the last save, if not ``url``.
    private(set) var refuge: URL?

    /// - Parameters:
    ///   - isResumed: True if the directory may hold what an earlier part of the same run saved; ``claim(for:_:_:)`` says whether.
    ///   - inputs: Files and directories that the run reads, which it must not replace.
    ///   - cache: Has room for a model that cannot be saved where it should be.
    /// - Throws: `FileError` where another run is writing the directory, or it is not empty and may not be replaced;
    ///   ``DistillationError`` where replacing it would lose something other than a model.
    package init(
        _ url: URL, overwrite: Bool, isResumed: Bool = false, inputs: [URL],
        cache: CacheOptions = CacheOptions()
    ) throws {
        try StagedDirectory.requirePossible(url)
        lock = try OutputLock(url)
        // A check before any work is done; it leaves nothing behind.
        do { try StagedDirectory(for: url, overwrite: overwrite || isResumed).discard() } catch let error
            as FileError
        { throw Self.refusal(error, at: url) }
        try Self.refuseLoss(of: url, inputs: inputs)
        self.url = url
        self.overwrite = overwrite
        refuges = [cache.root.appending(path: "rescued"), FileManager.default.temporaryDirectory]
    }

    private static func refuseLoss(of url: URL, inputs: [URL]) throws {
        func components(_ url: URL) -> [String] {
            url.standardizedFileURL.resolvingSymlinksInPath().pathComponents
        }
        let own = components(url)
        // A model that adapters were merged into is read with these and their base.
        let inputs = inputs.flatMap { [$0] + MergedAdapter.sources(of: $0) }
        if let input = inputs.first(where: { components($0).starts(with: own) }) {
            throw DistillationError(
                "\(url.path): the output directory is or holds the input \(input.path); name another directory"
            )
        }
        let manager = FileManager.default
        let entries = (try? manager.contentsOfDirectory(atPath: url.path)) ?? []
        guard entries.isEmpty || entries.contains("config.json") else {
            throw DistillationError(
                "\(url.path): is not a model directory (it has no config.json), so --overwrite does not replace "
                    + "it; name another directory")
        }
    }

    /// Lets the next save replace the directory that is there.
    func claimExisting() { claimed = FileIdentity(path: url.path) }

    // MARK: - Saving

    /// Saves the files that a body writes, in place of an earlier save.
    ///
    /// A save that fails is tried once more and then made in another directory: work is not lost to a full disk, or
    /// to files that another program put there.
    ///
    /// - Parameters:
    ///   - isLast: True if the run ends with it. For a checkpoint, a save elsewhere is a warning only.
    ///   - warn: Called for a checkpoint that could not be saved in its directory.
    ///   - body: Writes the files of a directory; called again where it has to be written again.
    /// - Throws: ``SavedElsewhereError``; `FileError` where it could be saved nowhere; any error of the body.
    package func save(isLast: Bool, warn: (String) -> Void = { _ in }, _ body: (URL) throws -> Void) throws {
        do {
            do { try put(body) } catch is FileError {
                // Others may be clearing up, or a network may come back.
                usleep(500_000)
                try put(body)
            }
            if let refuge { try? FileManager.default.removeItem(at: refuge) }
            refuge = nil
        } catch let error as FileError {
            guard let found = rescue(body) else {
                guard isLast else { return warn("\(error); training goes on, and the end tries again") }
                throw error
            }
            refuge = found
            let failure = SavedElsewhereError(reason: error, place: found)
            guard isLast else { return warn("\(failure.description); training goes on") }
            throw failure
        }
    }

    private func put(_ body: (URL) throws -> Void) throws {
        let staged = try StagedDirectory(
            for: url,
            replacing: overwrite
                ? .anything : (saved?.identity ?? claimed).map { .only($0) } ?? .nothing)
        do { try body(staged.url) } catch FileError.writeFailed(let path, let reason) {
            // The user knows the directory, not the hidden one beside it.
            let hidden = staged.url.path(percentEncoded: false)
            throw FileError.writeFailed(
                path.hasPrefix(hidden)
                    ? url.path(percentEncoded: false) + path.dropFirst(hidden.count) : path,
                reason: reason)
        }
        try staged.commit()
        saved = staged
    }

    /// Saves in the first of the other directories where that succeeds.
    private func rescue(_ body: (URL) throws -> Void) -> URL? {
        let unique = String(UInt64.random(in: .min ... .max), radix: 36)
        let own =
            refuge.map { [$0] } ?? refuges.map { $0.appending(path: "\(url.lastPathComponent)-\(unique)") }
        return own.first { directory in
            guard let staged = try? StagedDirectory(for: directory, overwrite: true) else { return false }
            do {
                try body(staged.url)
                try staged.commit()
                return true
            } catch { return false }
        }
    }

    /// Copies a tokenizer's files as they are.
    package static func copyTokenizer(from source: URL, to directory: URL) throws {
        let others = ChatTemplates.fileNames(in: source) + ["generation_config.json"]
        for name in Tokenizer.fileNames + others {
            let file = source.appending(path: name)
            guard FileManager.default.fileExists(atPath: file.path) else { continue }
            let bytes = try MappedFile(file)
            let folder = directory.appending(path: name).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try AtomicFile.write(to: directory.appending(path: name)) { try $0.write(bytes.bytes) }
        }
    }

    /// The files saved with a run's model besides its report.
    struct Extras {
        /// Lines of `history.jsonl`; none where there is nothing to say.
        var history = ""
        /// `analysis.json`, of a run at its end; `nil` in a save before the end.
        var analysis: PredictionAnalysis?
        var card = ModelCardOptions()
        /// The model that adapters are of: its directory, or its name on the Hub.
        var base: String?
    }

    /// Saves a model's adapters by themselves, where they are to be.
    private static func saveAdapter(of model: TransformerModel, base: String?, to directory: URL) throws {
        guard let adapters = model.adapters, adapters.options.save == .adapter else { return }
        guard let base else {
            throw DistillationError("the adapters are of no model that has a name")
        }
        try AdapterWriter.save(model, base: base, to: directory.appending(path: "adapter"))
    }

    /// Saves the model with its tokenizer's files, a model card and its report, which then knows the size of the weights'
    /// file. With an analysis, the run is at its end, and `report.html` is made of the files.
    func save(
        _ model: TransformerModel, tokenizerDirectory: URL, report: inout RunReport,
        extras: Extras = Extras(), warn: (String) -> Void = { _ in }
    ) throws {
        var result = report
        try save(isLast: extras.analysis != nil, warn: warn) { directory in
            try ModelWriter.save(model, to: directory)
            try Self.copyTokenizer(from: tokenizerDirectory, to: directory)
            try Self.saveAdapter(of: model, base: extras.base, to: directory)
            result.setStudentBytes(SafetensorsCheckpoint.weightBytes(in: directory))
            var files = [
                ("README.md", ModelCard(report: result, options: extras.card).text),
                (result.recordName, try JSONText.encode(result) + "\n"),
            ]
            if !extras.history.isEmpty { files.append(("history.jsonl", extras.history)) }
            if let analysis = extras.analysis {
                files.append(("analysis.json", try JSONText.encode(analysis) + "\n"))
            }
            for (name, text) in files { try AtomicFile.write(text, to: directory.appending(path: name)) }
            guard extras.analysis != nil else { return }
            let page = try HTMLReport(
                [RunFiles(directory, destination: url)], program: "distill \(Version.current)")
            try AtomicFile.write(try page.html(), to: directory.appending(path: "report.html"))
        }
        report = result
    }
}

/// An output could not be saved in its directory, and was saved in another.
public struct SavedElsewhereError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The reason why it is not in its directory.
    public let reason: FileError
    /// The directory in which it is.
    public let place: URL

    public var description: String {
        "\(reason). The model is saved in \(place.path(percentEncoded: false)) instead: move it where you want it"
    }
}
