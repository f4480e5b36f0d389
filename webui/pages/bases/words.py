"""What the page of knowledge bases says."""

from webui.shell.phrases import Phrase

NEW = Phrase("New knowledge base", "新建知识库")
NAME = Phrase("Name", "名称")
NAME_HELP = Phrase(
    "1 to 64 letters, digits, spaces and - _ . in any language", "1 至 64 个字符：任何语言的文字、数字、空格和 - _ ."
)
DESCRIPTION = Phrase("What it is about", "简介")
DESCRIPTION_HELP = Phrase("Shown to people and to programs that choose among bases.", "供人和程序选择知识库时参考。")
DESCRIBE = Phrase("Say what it is about", "填写简介")
STORE = Phrase("Vector store", "向量库")
STORE_DEFAULT = Phrase("as the service is set", "按服务设置")
EMBEDDER = Phrase("Embedding model", "向量模型")
EMBEDDER_HELP = Phrase("Leave empty for the service's own.", "留空则使用服务设置的模型。")
CREATE = Phrase("Create", "新建")
CREATED = Phrase("“{name}” is there.", "已新建“{name}”。")
ALL = Phrase("All knowledge bases", "全部知识库")

DOCUMENTS = Phrase("Documents", "文档")
CHUNKS = Phrase("Chunks", "片段")
ADD = Phrase("Add", "添加")
CHECK = Phrase("Why not found?", "为何没找到？")
SNAPSHOTS = Phrase("Snapshots", "快照")
MANAGE = Phrase("Manage", "管理")

DOCUMENT = Phrase("Document", "文档")
STATE = Phrase("State", "状态")
PAGES = Phrase("Pages", "页数")
SIZE = Phrase("Size", "大小")
TIME = Phrase("Added", "添加时间")
REASON = Phrase("Reason", "原因")
STATES = {
    "indexed": Phrase("ready", "可检索"),
    "pending": Phrase("being read", "处理中"),
    "failed": Phrase("failed", "失败"),
    "queued": Phrase("waiting", "等待"),
    "done": Phrase("done", "完成"),
    "cancelled": Phrase("cancelled", "已取消"),
    "running": Phrase("running", "进行中"),
    "cancelling": Phrase("stopping", "正在停止"),
}
TAGS = Phrase("Tags", "标签")
TAGS_HINT = Phrase("Choose a tag or write a new one", "选择标签，或输入新标签")
TAGS_NONE = Phrase("none", "无")
TAGS_HELP = Phrase(
    "A question can be kept to documents with a tag. Tags stay when another version replaces the document.",
    "提问时可限定标签；文档更新后标签仍保留。",
)
FILTER = Phrase("Filter by name or tag", "按名称或标签筛选")
SHOWN = Phrase("{shown} of {total} documents", "共 {total} 个文档，显示 {shown} 个")
NO_DOCUMENTS = Phrase("No documents yet. Add some in the tab “Add”.", "还没有文档，请在“添加”中上传。")
CHOOSE_DOCUMENT = Phrase("Choose a row to see its chunks.", "选中一行可查看其片段。")
DELETE_DOCUMENT = Phrase("Remove this document", "移除该文档")
DELETE_DOCUMENT_MORE = Phrase(
    "“{name}” is not found any more from then on. Snapshots keep it.", "“{name}”将不再被检索到；已有快照仍保留它。"
)
CHUNK_OF = Phrase("{n} chunks in reading order", "按阅读顺序共 {n} 个片段")
DISABLE = Phrase("Take out of search", "停用")
RESTORE_CHUNK = Phrase("Put back into search", "恢复")
DISABLED = Phrase("out of search", "已停用")
EDITED = Phrase("edited", "已修改")
EDIT = Phrase("Edit", "编辑")
REVERT = Phrase("The document's own wording", "还原为原文")
EDIT_CHUNK = Phrase("Edit this chunk", "编辑片段")
EDIT_MORE = Phrase(
    "Search and answers use the new text. The original file stays as it is.", "检索和回答将使用新文本，原文件不变。"
)
IN_CONTEXT = Phrase("The text", "正文")

UPLOAD = Phrase("Files or a zip of a folder", "文件，或文件夹的 zip 包")
UPLOAD_HELP = Phrase(
    "PDF, Office, web pages, mail, e-books, pictures, code, data, zip. What a file is, its content decides.",
    "PDF、Office、网页、邮件、电子书、图片、代码、数据、zip；类型以内容为准。",
)
SEND = Phrase("Add {n} file(s)", "添加 {n} 个文件")
SENDING = Phrase("Sending…", "正在上传…")
URL = Phrase("A web address", "网址")
URL_HELP = Phrase("Only public addresses, as their robots.txt allows.", "仅限公网地址，并遵守其 robots.txt。")
DEPTH = Phrase("Follow links", "跟随链接层数")
FETCH = Phrase("Fetch", "抓取")
JOBS = Phrase("Under way and latest", "进行中及最近的任务")
NO_JOBS = Phrase("Nothing was added lately.", "最近没有添加。")
PROGRESS = Phrase("{settled} of {total} files", "{settled} / {total} 个文件")
STEPS = Phrase("{settled} of {total}", "{settled} / {total}")
TIME_LEFT = Phrase("about {left} left", "约剩 {left}")
SECONDS = Phrase("{n} s", "{n} 秒")
MINUTES = Phrase("{n} min", "{n} 分钟")
FAILED_FILES = Phrase("{n} failed", "{n} 个失败")
RETRY = Phrase("Try again", "重试")
STOP_JOB = Phrase("Stop", "停止")

QUESTION = Phrase("The question", "问题")
EXPECTED = Phrase("The document that should have been found", "本应找到的文档")
EXPECTED_CHUNK = Phrase("The passage in it", "其中的片段")
EXPLAIN = Phrase("Explain", "查看原因")
EXPLAINED = Phrase("Its way through the search", "该片段的检索过程")
STAGE = Phrase("Stage", "阶段")
RANK = Phrase("Rank", "名次")
NOT_THERE = Phrase("not found", "未找到")
PASSED = Phrase("passed", "通过")
FELL = Phrase("fell here", "在此落选")
LIMITS = {
    "results": Phrase("Passages found (k)", "检索片段数（k）"),
    "threshold": Phrase("Least score", "最低得分"),
    "passages": Phrase("Passages an answer is made from", "用来回答的片段数"),
}
STAGES = {
    "dense": Phrase("By meaning", "语义"),
    "lexical": Phrase("By words", "词语"),
    "fusion": Phrase("Mixed", "融合"),
    "fused": Phrase("Mixed", "融合"),
    "rerank": Phrase("Reranked", "重排"),
}

SNAPSHOT_NAME = Phrase("Name of the snapshot", "快照名称")
SNAPSHOT_MAKE = Phrase("Take a snapshot", "新建快照")
SNAPSHOT_MORE = Phrase(
    "A snapshot names what the base holds now. Nothing is copied, and it can be brought back in one step.",
    "快照记录知识库当前的内容；不占用额外空间，可一步恢复。",
)
NO_SNAPSHOTS = Phrase("No snapshots yet.", "还没有快照。")
COMPARE = Phrase("Compare with now", "与现在比较")
SAME = Phrase("Nothing has changed since.", "此后没有变化。")
ADDED = Phrase("Added since", "此后新增")
REMOVED = Phrase("Removed since", "此后移除")
CHANGED = Phrase("Changed since", "此后改动")
RESTORE = Phrase("Restore", "恢复")
RESTORE_ASK = Phrase("Bring back “{name}”?", "恢复到“{name}”？")
RESTORE_MORE = Phrase(
    "The base will hold what it held then. A snapshot of now is taken first, so this can be undone.",
    "知识库将回到当时的内容；会先自动为现在建立快照，可以撤销。",
)
RESTORED = Phrase("Restored. To undo it, restore “{undo}”.", "已恢复。如需撤销，请恢复“{undo}”。")
DELETE_SNAPSHOT = Phrase("Delete", "删除")

CUT = Phrase("Chunks of another size", "重新切分")
CUT_MORE = Phrase(
    "Documents are read again and go over one by one; each answers with its old chunks until its new ones are indexed.",
    "文档将被重新读取并逐个更新；新片段完成前，旧片段照常使用。",
)
CUT_SIZE = Phrase("Tokens of a chunk", "片段词元数")
CUT_OVERLAP = Phrase("Tokens neighbours share", "相邻重叠词元数")
CUT_TOO_MUCH = Phrase("Neighbours must share less than a chunk has.", "重叠词元数必须小于片段词元数。")
CUT_BY = Phrase("Cut", "切分方式")
CUT_WAYS = {
    "sentences": Phrase("between sentences", "按句"),
    "rows": Phrase("by table rows", "按表格行"),
    "delimiter": Phrase("at a mark", "按分隔符"),
}
CUT_DELIMITER = Phrase("The mark", "分隔符")
CUT_EDITED = Phrase("Documents with edited chunks too", "包括含已修改片段的文档")
CUT_EDITED_HELP = Phrase(
    "Edited and disabled chunks belong to the old cut and are lost. Otherwise these documents stay as they are.",
    "已修改和已停用的片段会丢失；不选则这些文档保持原样。",
)
LEFT = Phrase("kept its chunks: {n} of them edited or out of search", "保持原样：有 {n} 个片段被修改或停用")
REINDEX = Phrase("Another embedding model", "更换向量模型")
BETTER_EMBEDDER = Phrase(
    "This base was made with {old}. {new} finds more, in 94 languages, Chinese by meaning among them.",
    "本知识库用 {old} 建成。改用 {new} 检索更准，支持 94 种语言，中文也能按语义查找。",
)
NO_OTHER_EMBEDDER = Phrase("No other embedding model than {name} is here.", "除 {name} 外没有其他向量模型。")
REINDEX_MORE = Phrase(
    "Embed every chunk again with another model. The old index answers until the new one is ready.",
    "用另一个模型重新嵌入所有片段；新索引完成前，旧索引照常使用。",
)
MIGRATE = Phrase("Move to another store", "迁移向量库")
MIGRATE_MORE = Phrase(
    "The vectors move, nothing is embedded again. The old store answers until the new one is ready.",
    "只迁移向量，不重新嵌入；新库完成前，旧库照常使用。",
)
START = Phrase("Start", "开始")
EXPORT = Phrase("Export", "导出")
EXPORT_MORE = Phrase(
    "One checked file with everything, for another machine or another store.",
    "导出为一个完整的文件，可导入其他机器或向量库。",
)
IMPORT = Phrase("Import a knowledge base", "导入知识库")
IMPORT_FILE = Phrase("An exported file", "导出的文件")
IMPORT_NAME = Phrase("Name (empty: as it was)", "名称（留空则沿用原名）")
DELETE = Phrase("Delete this knowledge base", "删除该知识库")
DELETE_MORE = Phrase(
    "All documents, snapshots and jobs of “{name}” go for good. Type its name to confirm.",
    "“{name}”的所有文档、快照和任务将被永久删除。请输入名称以确认。",
)
MAY_NOT = Phrase("Your key may read this base, but not change it.", "您的密钥只能读取该知识库。")
