extension ObjectiveRegistry {
    /// The objectives on the scores of a query's documents.
    func addingRanking() -> ObjectiveRegistry {
        adding("margin_mse", "squared difference of the margins of two documents", MarginMSEObjective.self)
            .adding("list_kl", "KL divergence over a query's documents", ListObjective.self)
            .adding(
                "list_net", "cross-entropy over a query's documents with the labels' softmax",
                ListObjective.self,
                ListObjective.labelOptions
            ) {
                try ListObjective($0, .labels)
            }
            .adding("rank_net", "logistic loss of each two documents' order", LambdaObjective.self)
            .adding(
                "lambda_loss", "the same, weighted by what the order means for nDCG", LambdaObjective.self,
                LambdaObjective.lambdaOptions
            ) {
                try LambdaObjective($0, isWeighted: true)
            }
            .adding("adr_mse", "discounted squared difference of approximate ranks", ADRMSEObjective.self)
            .adding("score_mse", "squared difference of each document's score", ScoreObjective.self)
            .adding(
                "score_bce", "binary cross-entropy of each document's score with its label",
                ScoreObjective.self,
                ScoreObjective.labelOptions
            ) {
                try ScoreObjective($0, isBinary: true)
            }
            .adding(
                "multiple_negatives_ranking", "the relevant document among all of the batch's",
                InBatchObjective.self, InBatchObjective.labelOptions
            ) {
                try InBatchObjective($0, .labels)
            }
            .adding(
                "list_infonce", "the documents that the teacher scores highest among all of the batch's",
                InBatchObjective.self)
    }
}
