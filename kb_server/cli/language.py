"""Chinese or English on the terminal."""

import os
from dataclasses import dataclass

# What a Chinese reader is told about an error before the sentence itself.
ERROR_TITLES = {
    "usage": "用法错误",
    "invalid_name": "名称无效",
    "unknown_setting": "未知设置",
    "invalid_setting": "设置无效",
    "already_exists": "已存在",
    "not_found": "找不到",
    "too_large": "超出限制",
    "unauthorized": "未授权",
    "forbidden": "没有权限",
    "try_later": "请稍后再试",
    "rate_limited": "请求过于频繁",
    "missing_extra": "缺少组件",
    "model_not_found": "找不到模型",
    "model_mismatch": "模型不一致",
    "generation": "生成失败",
    "memory": "内存不足",
    "prompt_too_long": "提示过长",
    "model_server": "模型服务出错",
    "embedding_server": "向量模型服务出错",
    "cannot_call_tools": "模型不能调用工具",
    "cluster": "集群出错",
    "unreadable": "无法读取",
    "storage": "存储错误",
    "storage_full": "磁盘已满",
    "store_unavailable": "存储服务不可用",
    "broken_archive": "归档文件损坏",
    "busy": "正忙",
    "below_bound": "未达标",
    "interrupted": "已中断",
}


@dataclass(frozen=True, slots=True)
class Language:
    """Says things in one of two languages: `say("Documents", "文档")`."""

    chinese: bool

    def __call__(self, english: str, chinese: str) -> str:
        """Return the text of this reader's language."""
        return chinese if self.chinese else english


def choose_language(setting: str) -> Language:
    """Follow the setting, or with `auto` the terminal's locale (LC_ALL, LC_MESSAGES, LANG)."""
    if setting != "auto":
        return Language(setting == "zh")
    locale = next((value for key in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(key))), "")
    return Language(locale.lower().startswith("zh"))
