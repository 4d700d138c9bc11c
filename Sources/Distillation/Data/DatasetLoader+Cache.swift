import Datasets
import Files
import Foundation
import JSON
import Transformers

extension TranslationSource {
    /// What decides which texts are read.
    fileprivate var keyParts: [String] {
        [readsSourcesAlone ? "sources" : "both", columns.source] + columns.translations
    }
}

/// The tokens that a cache keeps: their key, and the reading of them.
extension DatasetLoader {
    /// Everything that decides the tokens and the labels.
    func key(_ digest: String, _ url: URL, _ reading: Reading) throws -> String {
        let options = reading.options
        let files = try ModelDigest.tokenizer(tokenizerDirectory, memo: memo)
        func text(_ name: String?) -> JSONValue { name.map(JSONValue.string) ?? .null }
        let choice: JSONValue =
            switch reading.labels {
            case .given(let map): .array(map.names.map(JSONValue.string))
            case .inferred: .string("inferred")
            case .ignored: .string("ignored")
            }
        let description: JSONValue = [
            "program": .string(Version.current), "reading": .integer(Self.reading), "data": .string(digest),
            "format": .string(try format(url, reading)),
            "text": text(options.textColumn), "pair": text(options.pairColumn),
            "label": text(options.labelColumn), "labels": choice,
            "problem_type": .string(reading.problemType.rawValue),
            "label_separator": .string(options.labelSeparator),
            "delimiter": options.delimited.delimiter.map { .integer(Int($0)) } ?? .null,
            "quoting": text(options.delimited.quoting?.rawValue),
            "allows_unlabelled": .bool(options.allowsUnlabeled), "max_length": .integer(maxLength),
            "prompt": .string(prompt),
            "translations": .array((translations?.keyParts ?? []).map(JSONValue.string)),
            "language_model": languageModel.map(\.description) ?? .null,
            "segments": .bool(tokenizer.givesSegments(pairs: true)),
            "tokenizer": .array(
                files.map { ["name": .string($0.name), "sha256": .string($0.sha256)] as JSONValue }),
        ]
        return Digest.sha256(description.serialized())
    }

    /// The format of a file, and what it is read as.
    func format(_ url: URL, _ reading: Reading) throws -> String {
        let (task, options) = (reading.problemType.definition, reading.options)
        if task.predictsTokens { return "conversations" }
        if let retrieval { return "\(retrieval.form.rawValue), \(retrieval.part.rawValue)" }
        if readsGroups(url, reading) {
            return "groups of \(ranking.scores ?? "no") scores, " + (try options.format(of: url).rawValue)
        }
        if task.embedsTexts { return "vectors, " + (try options.format(of: url).rawValue) }
        if task.labelsWords { return "words, " + (try options.tagged.format(of: url).rawValue) }
        return try options.format(of: url).rawValue
    }

    /// True if a file's rows are queries with documents.
    func readsGroups(_ url: URL, _ reading: Reading) -> Bool {
        let task = reading.problemType.definition
        guard task.embedsTexts else { return task.ranksDocuments }
        if ranking.pairsAreGroups || ranking.scores != nil { return true }
        // What is wrong with a first row is told by the reader of texts.
        return (try? RankingStream.hasGroups(url, options: RankingReader.options(reading.options))) == true
    }

    func origin(_ url: URL, _ key: String) -> TokenBuilder.Origin {
        TokenBuilder.Origin(
            key: key, data: url.path(percentEncoded: false),
            tokenizer: tokenizerDirectory.path(percentEncoded: false), maxLength: maxLength)
    }

    func open(_ file: URL, _ url: URL, _ digest: String, key: String) -> LoadedData? {
        guard FileManager.default.fileExists(atPath: file.path) else { return nil }
        do {
            let found = try TokenBuilder.open(file, key: key, maxLength: maxLength)
            tell(found.notes)
            return LoadedData(
                dataset: found.dataset, labels: found.labels,
                record: record(url, found.dataset.count, digest),
                cutCount: found.cutCount)
        } catch FileError.missing {
            return nil
        } catch let problem as ChecksummedFile.Problem {
            let reason =
                switch problem {
                case .damaged(let reason), .foreign(let reason): reason
                }
            try? FileManager.default.removeItem(at: file)
            warn("\(file.path): \(reason); the file is removed and the data are tokenized again")
        } catch {
            warn("\(error); the data are tokenized again")
        }
        return nil
    }
}
