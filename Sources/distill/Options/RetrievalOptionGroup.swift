import ArgumentParser
import Distillation
import Foundation

/// The texts that stand before queries and documents.
struct RetrievalPromptOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The text before each query. (default: the model's prompt query, where it has one)",
            valueName: "text"))
    var queryPrompt: String?

    @Option(help: ArgumentHelp("The same by the name of one of the model's prompts.", valueName: "name"))
    var queryPromptName: String?

    @Option(
        help: ArgumentHelp(
            "The text before each document. (default: the model's prompt document, passage or corpus, where it has one)",
            valueName: "text"))
    var documentPrompt: String?

    @Option(help: ArgumentHelp("The same by the name of one of the model's prompts.", valueName: "name"))
    var documentPromptName: String?

    func register(in settings: inout Settings) {
        settings.override("query_prompt", queryPrompt)
        settings.override("query_prompt_name", queryPromptName)
        settings.override("document_prompt", documentPrompt)
        settings.override("document_prompt_name", documentPromptName)
    }

    /// The prompts of a command without a configuration file.
    ///
    /// - Throws: `DistillationError` where a prompt is given by its text and by a name.
    func prompts() throws -> RetrievalPrompts {
        RetrievalPrompts(
            query: try RetrievalPrompts.prompt(queryPrompt, name: queryPromptName, option: "query-prompt"),
            document: try RetrievalPrompts.prompt(
                documentPrompt, name: documentPromptName, option: "document-prompt"))
    }
}

/// The queries and documents by which a run's checkpoints are evaluated.
struct RetrievalOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            For a student for embeddings: queries and documents by which the best checkpoint is chosen (nDCG@10): a directory in BEIR's \
            form (corpus.jsonl, queries.jsonl, qrels/dev.tsv), a file of its qrels, or JSON lines with query and positives.
            """, valueName: "dir|file"),
        completion: .directory)
    var validationRetrieval: String?

    @Option(
        help:
            "Whose vectors the documents have: student, or teacher while the student embeds queries. (default: student)"
    )
    var retrievalDocuments: RetrievalOptions.Documents?

    @OptionGroup var prompts: RetrievalPromptOptions

    func register(in settings: inout Settings) {
        settings.override("validation_retrieval", validationRetrieval)
        settings.override("retrieval_documents", retrievalDocuments)
        prompts.register(in: &settings)
    }
}

/// The columns of parallel sentences.
struct TranslationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "For models for embeddings, the column of the text of parallel sentences; its teacher's vector is learned for its translations too.",
            valueName: "name"))
    var sourceColumn: String?

    @Option(
        name: .customLong("translation-column"),
        help: ArgumentHelp("A column of its translations. Several times for several.", valueName: "name"))
    var translationColumns: [String] = []

    func register(in settings: inout Settings) {
        settings.override("source_column", sourceColumn)
        settings.override("translation_columns", translationColumns)
    }
}

extension RetrievalOptions.Documents: ExpressibleByArgument {}
