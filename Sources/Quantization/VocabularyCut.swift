import Deployment
import Distillation
import Files
import Foundation
import RegularExpressions
import Tokenizers
import Transformers

/// The model without the tokens that given texts never use, in a directory that is removed with this object.
final class VocabularyCut {
    var directory: URL { folder.url }
    private let folder: TemporaryFolder
    let report: QuantizationReport.Vocabulary
    /// The number of texts that were read.
    let texts: Int

    /// - Throws: `TokenizerError` for a tokenizer whose vocabulary cannot be cut, or texts without tokens; `DatasetError`.
    init(_ request: QuantizeRequest, _ original: LoadedModel) throws {
        let usage = VocabularyUsage(
            options: request.columns.options, maxLength: original.maxLength(request.maxLength))
        let vocabulary = try VocabularyTrimmer(directory: original.directory).plan(
            used: usage.counts(request.vocabularyData, tokenizer: original.tokenizer),
            options: TrimmingOptions(minimumCount: request.minimumTokenCount),
            keeping: TrimmedVocabulary.ids(in: original.model.configuration))
        folder = try TemporaryFolder()
        let directory = folder.url
        try ModelWriter.save(vocabulary.apply(to: original.model), to: directory)
        try OutputDirectory.copyTokenizer(from: original.directory, to: directory)
        try vocabulary.write(to: directory)
        let tokenizer = try Tokenizer.load(directory: directory)
        func effect(_ files: [URL]) throws -> TrimmingEffect {
            try usage.effect(
                on: files, original: original.tokenizer, trimmed: tokenizer, vocabulary: vocabulary)
        }
        let used = try effect(request.vocabularyData)
        let held = try request.data.map { try effect([$0]) }
        texts = used.texts + (held?.texts ?? 0)
        report = QuantizationReport.Vocabulary(
            data: request.vocabularyData.map { $0.path(percentEncoded: false) },
            minimumCount: request.minimumTokenCount, tokensBefore: vocabulary.originalCount,
            tokensAfter: vocabulary.count, unknownRateBefore: used.before.share,
            unknownRateAfter: used.after.share, evaluationUnknownRateBefore: held?.before.share,
            evaluationUnknownRateAfter: held?.after.share,
            evaluationTextsChanged: held.map { Double($0.changedTexts) / Double(max(1, $0.texts)) })
    }
}
