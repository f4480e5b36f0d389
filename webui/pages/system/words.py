"""What the system page says."""

from webui.shell.phrases import Phrase

RUNS_WELL = Phrase("The service runs", "服务运行正常")
VERSION = Phrase("Version", "版本")
MEMORY = Phrase("Memory of the service", "服务占用内存")
MEMORY_FREE = Phrase("Free memory", "可用内存")
DISK_FREE = Phrase("Free disk", "可用磁盘")
MODELS = Phrase("Models", "模型")
FOR_EMBEDDING = Phrase("finding by meaning", "语义检索")
FOR_WRITING = Phrase("writing answers", "生成回答")
CHOSEN = Phrase("in use", "使用中")
LOADED = Phrase("loaded", "已加载")
QUEUES = Phrase("Queues", "队列")
QUEUE_NAMES = {
    "search": Phrase("searches", "检索"),
    "extract": Phrase("extracted answers", "摘录回答"),
    "chat": Phrase("answers", "回答"),
}
RUNNING = Phrase("running", "进行中")
WAITING = Phrase("waiting", "等待中")
PLACES = Phrase("places", "容量")
JOBS = Phrase("Jobs", "任务")
JOB = Phrase("Job", "任务")
BASE = Phrase("Knowledge base", "知识库")
STATE = Phrase("State", "状态")
WHEN = Phrase("Since", "时间")
PROGRESS = Phrase("Progress", "进度")
KINDS = {
    "ingest": Phrase("upload", "上传"),
    "fetch": Phrase("web pages", "抓取网页"),
    "evaluate": Phrase("evaluation", "评测"),
    "reindex": Phrase("re-index", "重建索引"),
    "knn": Phrase("kNN-LM datastore", "构建 kNN-LM 数据存储"),
    "questions": Phrase("questions by a model", "模型出题"),
    "migrate": Phrase("move to another store", "迁移向量库"),
}
NO_JOBS = Phrase("No jobs yet.", "还没有任务。")
KEYS = Phrase("Keys", "密钥")
KEY_NAME = Phrase("What it is for", "用途")
SCOPE = Phrase("What it may do", "权限")
SCOPES = {
    "read": Phrase("read and ask", "读取和提问"),
    "write": Phrase("add documents too", "还可添加文档"),
    "admin": Phrase("everything", "全部权限"),
}
KEY_BASES = Phrase("Only these knowledge bases", "限定知识库")
KEY_ALL = Phrase("all", "全部")
KEY_MAKE = Phrase("Make a key", "新建密钥")
KEY_SHOWN = Phrase("The new key. It is shown only now; copy it.", "新密钥，仅显示这一次，请复制保存。")
REVOKE = Phrase("Revoke", "吊销")
REVOKED = Phrase("revoked", "已吊销")
YOURS = Phrase("yours", "当前使用")
CREATED = Phrase("made {time}", "新建于 {time}")
ADMINS_ONLY = Phrase("Memory, queues and keys are shown to administrators.", "内存、队列和密钥仅管理员可见。")
