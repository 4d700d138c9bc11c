import Foundation

extension RetrievalOptions {
    /// The retrieval data set that settings name; `nil` where they name none.
    ///
    /// - Throws: ``SettingsError`` for a setting of such data without them, and for a prompt given twice.
    init?(_ reader: SettingsReader) throws {
        let path = try reader.value("validation_retrieval", as: String.self)
        let documents = try reader.value("retrieval_documents", as: Documents.self)
        let prompts = try SettingsError.checking {
            RetrievalPrompts(
                query: try Self.prompt("query_prompt", reader),
                document: try Self.prompt("document_prompt", reader))
        }
        guard let path else {
            guard documents == nil, prompts == RetrievalPrompts() else {
                throw SettingsError(
                    "retrieval_documents, query_prompt and document_prompt are for queries and documents; give them with "
                        + "validation_retrieval, or leave these out")
            }
            return nil
        }
        self.init(URL(filePath: path))
        if let documents { self.documents = documents }
        self.prompts = prompts
    }

    private static func prompt(_ name: String, _ reader: SettingsReader) throws -> RetrievalPrompts.Prompt? {
        try RetrievalPrompts.prompt(
            reader.value(name, as: String.self), name: reader.value("\(name)_name", as: String.self),
            option: name.replacing("_", with: "-"))
    }

    /// Writes the data set as settings, from which ``init(_:)`` reads it.
    func write(to settings: inout Settings) {
        settings.override("validation_retrieval", data.absolutePath)
        settings.override("retrieval_documents", documents)
        for (name, prompt) in [("query_prompt", prompts.query), ("document_prompt", prompts.document)] {
            switch prompt {
            case .text(let text): settings.override(name, text)
            case .named(let own): settings.override("\(name)_name", own)
            case nil: break
            }
        }
    }
}

extension RetrievalOptions.Documents: SettingValue {}
