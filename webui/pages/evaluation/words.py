"""What the evaluation page says."""

from webui.shell.phrases import Phrase

TITLE = Phrase("How good is “{base}”?", "“{base}”答得怎么样？")
QUESTIONS = Phrase("Questions", "问题")
RUNS = Phrase("Runs", "评测结果")
COMPARE = Phrase("Compare", "比较")

NO_CASES = Phrase(
    "No questions yet. Make some from the base's own text, then read them through.",
    "还没有问题。可用知识库自身的文本生成，再逐条审阅。",
)
MAKE = Phrase("Make questions", "生成问题")
ANSWERABLE = Phrase("With an answer", "有答案的")
UNANSWERABLE = Phrase("Without an answer", "无答案的")
UNANSWERABLE_HELP = Phrase(
    "Questions that the documents do not answer: a good base refuses these.", "文档中没有答案的问题，应当拒答。"
)
REVIEW = Phrase(
    "Edit in the table, add rows below, mark rows to delete them.", "可直接在表中修改，在末行添加，勾选行后删除。"
)
WORDED = Phrase("Worded by a language model", "由语言模型措辞")
WORDED_HELP = Phrase(
    "Takes longer, and reads more like people ask. What is true the text decides, never the model.",
    "耗时更长，但更像真人提问；答案仍以原文为准。",
)
QUESTION = Phrase("Question", "问题")
ANSWERS = Phrase("Accepted answers, one a line", "可接受的答案，每行一个")
DOCUMENTS = Phrase("Documents, one a line", "所在文档，每行一个")
HAS_ANSWER = Phrase("Has an answer", "有答案")
KIND = Phrase("Kind", "类别")
SAVE_CHANGES = Phrase("Save changes", "保存修改")
SAVED = Phrase("Saved.", "已保存。")

START = Phrase("Run {n} questions", "评测 {n} 个问题")
NO_RUNS = Phrase("No runs yet.", "还没有评测结果。")
RUN = Phrase("Run", "评测")
RUN_NAME = Phrase("{time} · {mode} · {n} questions", "{time} · {mode} · {n} 个问题")
RUNNING = Phrase("{done} of {total} answered", "已回答 {done} / {total}")
REPORT = Phrase("Download the report", "下载报告")
DELETE_RUN = Phrase("Delete this run", "删除该结果")
INTERVAL = Phrase("95%: {low} to {high}", "95% 区间：{low} 至 {high}")
RECALL_PLOT = Phrase("The right document among the first k", "前 k 篇中含正确文档的比例")
RISK_PLOT = Phrase("Wrong answers, if only the surest are given", "只答最有把握的部分时的错误率")
LATENCY_PLOT = Phrase("Time per question (ms)", "每问耗时（毫秒）")
RECALL = Phrase("recall", "召回率")
COVERAGE = Phrase("share answered", "作答比例")
RISK = Phrase("share wrong", "错误率")
STAGE = Phrase("step", "步骤")
MILLISECONDS = Phrase("ms", "毫秒")
STAGES = {
    "retrieve": Phrase("search", "检索"),
    "first_token": Phrase("first word", "首词"),
    "total": Phrase("in all", "全部"),
}
FAILING = Phrase("What went wrong ({n})", "出错的问题（{n}）")
NONE_FAILING = Phrase("Every question was answered as it should be.", "所有问题的回答都符合预期。")
EXPECTED = Phrase("Expected", "预期")
NO_ANSWER = Phrase("that the documents do not say", "应当拒答")
OPEN_IN_CHAT = Phrase("Ask in the chat", "在对话中提问")

FIRST = Phrase("First run", "第一次")
SECOND = Phrase("Second run", "第二次")
NEED_TWO = Phrase("Two finished runs are needed.", "需要两次已完成的评测。")
COMMON = Phrase("{n} questions in both", "共同的问题 {n} 个")
METRIC = Phrase("Metric", "指标")
DIFFERENCE = Phrase("Difference", "差值")
DIFFERENCE_PLOT = Phrase("Second minus first, with 95% intervals", "第二次减第一次，含 95% 区间")
VERDICT = Phrase("Verdict", "结论")
VERDICTS = {
    "better": Phrase("better", "更好"),
    "worse": Phrase("worse", "更差"),
    "no difference shown": Phrase("no difference shown", "无显著差异"),
}
METRICS = {
    "recall@1": Phrase("Right document first", "首篇命中"),
    "recall@3": Phrase("Right document in 3", "前 3 篇召回"),
    "recall@5": Phrase("Right document in 5", "前 5 篇召回"),
    "recall@10": Phrase("Right document in 10", "前 10 篇召回"),
    "mrr@10": Phrase("Mean reciprocal rank", "平均倒数排名"),
    "ndcg@10": Phrase("nDCG in 10", "前 10 篇 nDCG"),
    "map": Phrase("Mean average precision", "平均准确率均值"),
    "contains": Phrase("Answer holds the right one", "含正确答案"),
    "exact_match": Phrase("Exactly the right answer", "与答案一致"),
    "f1": Phrase("Token F1", "词元 F1"),
    "rouge_l": Phrase("ROUGE-L", "ROUGE-L"),
    "bleu": Phrase("BLEU", "BLEU"),
    "citation_precision": Phrase("Citations that are right", "引用准确率"),
    "citation_recall": Phrase("Sentences with a citation", "引用覆盖率"),
    "faithfulness": Phrase("Supported sentences", "有据可查的句子"),
    "faithfulness_judged": Phrase("Supported, as a model judges", "有据可查（模型评判）"),
    "refusal_recall": Phrase("Refused when it should", "应拒则拒"),
    "false_refusal": Phrase("Refused wrongly", "误拒答"),
    "aurc": Phrase("Area under risk–coverage", "风险–覆盖曲线下面积"),
    "ece": Phrase("Calibration error", "校准误差"),
    "latency_ms": Phrase("Time (ms)", "耗时（毫秒）"),
    "p50": Phrase("Time, median (ms)", "耗时中位数（毫秒）"),
    "p95": Phrase("Time, 95th percentile (ms)", "耗时 95 分位（毫秒）"),
}
